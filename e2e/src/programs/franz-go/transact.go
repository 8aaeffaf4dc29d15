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
func transact(seeds, from, to, group string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	session, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(seeds), kgo.TransactionalID(group+"-copier"),
		kgo.TransactionTimeout(10*time.Second), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(from), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.RequireStableFetchOffsets(),
		kgo.FetchMaxWait(100*time.Millisecond))
	check(err, "session")
	defer session.Close()
	fmt.Println("running")
	for ctx.Err() == nil {
		fetches := session.PollRecords(ctx, 50)
		for _, failure := range fetches.Errors() {
			fmt.Fprintf(os.Stderr, "fetch: %v\n", failure.Err)
		}
		if fetches.NumRecords() == 0 {
			continue
		}
		if !copied(session, fetches, to) {
			// The next poll begins where the last committed transaction ended.
			time.Sleep(50 * time.Millisecond)
		}
	}
}

func copied(session *kgo.GroupTransactSession, fetches kgo.Fetches, to string) bool {
	if err := session.Begin(); err != nil {
		fmt.Fprintf(os.Stderr, "begin: %v\n", err)
		return false
	}
	promise := kgo.AbortingFirstErrPromise(session.Client())
	fetches.EachRecord(func(record *kgo.Record) {
		copy := &kgo.Record{Topic: to, Key: record.Key, Value: record.Value}
		session.Produce(context.Background(), copy, promise.Promise())
	})
	isWhole := promise.Err() == nil
	committed, err := session.End(context.Background(), kgo.TransactionEndTry(isWhole))
	if err != nil {
		fmt.Fprintf(os.Stderr, "end: %v\n", err)
		os.Exit(1)
	}
	return committed
}
