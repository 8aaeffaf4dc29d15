/**
 * Brokers of their own, killed in mid-load. All suites run at the same time: each of them waits, most of its time, for
 * its broker to come back, and the longest takes a minute. `-t` with a suite's name runs one alone.
 */
import "./kill-minus-nine.suite.ts";
import "./kill-groups.suite.ts";
import "./kill-transactions.suite.ts";
import "./transaction-history.suite.ts";
