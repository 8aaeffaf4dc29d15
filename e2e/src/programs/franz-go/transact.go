package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// transact copies records from one topic to another, exactly once: GroupTransactSession commits the records written and
// the offsets read in one transaction. It says "running" when it begins and goes on until SIGTERM, whatever befalls the
// broker.
func transact(seeds []string, from, to, group string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	fmt.Println("running")
	for ctx.Err() == nil {
		copyUntilFailure(ctx, newSession(seeds, from, group), to)
	}
}

func newSession(seeds []string, from, group string) *kgo.GroupTransactSession {
	session, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(seeds...), kgo.TransactionalID(group+"-copier"),
		kgo.TransactionTimeout(10*time.Second), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(from), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.RequireStableFetchOffsets(),
		// A session that could not leave the group must not hold up the one after it for long.
		kgo.SessionTimeout(10*time.Second), kgo.FetchMaxWait(100*time.Millisecond))
	check(err, "session")
	return session
}

// copyUntilFailure returns when a transaction could be neither begun nor ended: the client gives that up once a broker
// has been away for some tries. Whether the last one was committed is unknown then, and where the session would read on
// is wrong. Another session begins at the committed offsets, and with the same transactional id it aborts what is open.
func copyUntilFailure(ctx context.Context, session *kgo.GroupTransactSession, to string) {
	defer session.Close()
	for ctx.Err() == nil {
		fetches := session.PollRecords(ctx, 50)
		for _, failure := range fetches.Errors() {
			fmt.Fprintf(os.Stderr, "fetch: %v\n", failure.Err)
		}
		if fetches.NumRecords() == 0 {
			continue
		}
		isCommitted, err := copied(session, fetches, to)
		if err != nil {
			fmt.Fprintf(os.Stderr, "another session, after %v\n", err)
			return
		}
		if !isCommitted {
			// The next poll begins where the last committed transaction ended.
			time.Sleep(50 * time.Millisecond)
		}
	}
}

func copied(session *kgo.GroupTransactSession, fetches kgo.Fetches, to string) (bool, error) {
	if err := session.Begin(); err != nil {
		return false, fmt.Errorf("begin: %w", err)
	}
	promise := kgo.AbortingFirstErrPromise(session.Client())
	fetches.EachRecord(func(record *kgo.Record) {
		copy := &kgo.Record{Topic: to, Key: record.Key, Value: record.Value}
		session.Produce(context.Background(), copy, promise.Promise())
	})
	isWhole := promise.Err() == nil
	committed, err := session.End(context.Background(), kgo.TransactionEndTry(isWhole))
	if err != nil {
		return false, fmt.Errorf("end: %w", err)
	}
	return committed, nil
}
