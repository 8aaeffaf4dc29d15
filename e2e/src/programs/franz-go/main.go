// What a program on franz-go does with a broker: topics, records of all codecs, a group, offsets, configs; and, in
// transact.go, exactly-once copying. Usage: program BOOTSTRAP PREFIX, or program transact …. Prints one JSON line of what it saw; ends with 1 and the reason where that is wrong.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	recordsPerCodec = 200
	bigRecordBytes  = 1_000_000
	// Its own bound would refuse the big record; this is the broker's message.max.bytes.
	maxBatchBytes = 1_048_588
	partitions    = 3
)

type summary struct {
	Produced  int    `json:"produced"`
	Consumed  int    `json:"consumed"`
	Nulls     int    `json:"nulls"`
	Empty     int    `json:"empty"`
	Big       int    `json:"big"`
	Committed int64  `json:"committed"`
	Lag       int64  `json:"lag"`
	Retention string `json:"retention"`
}

func check(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func must(isTrue bool, format string, args ...any) {
	if !isTrue {
		check(fmt.Errorf(format, args...), "wrong")
	}
}

func createTopic(ctx context.Context, admin *kadm.Client, topic string) {
	retention := "604800000"
	_, err := admin.CreateTopic(ctx, partitions, 1, map[string]*string{"retention.ms": &retention}, topic)
	if !errors.Is(err, kerr.TopicAlreadyExists) {
		check(err, "create topic")
	}
}

func produce(ctx context.Context, seeds []string, topic string, seen *summary) time.Time {
	sentAt := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	for name, codec := range codecs {
		client, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.ProducerBatchCompression(codec),
			kgo.ProducerBatchMaxBytes(maxBatchBytes))
		check(err, "producer")
		var records []*kgo.Record
		for i := 0; i < recordsPerCodec; i++ {
			records = append(records, &kgo.Record{
				Topic: topic, Key: []byte(fmt.Sprintf("k%d", i%7)), Value: []byte(fmt.Sprintf("%s-%d", name, i)),
				Headers: []kgo.RecordHeader{{Key: "codec", Value: []byte(name)}, {Key: "none", Value: nil}}, Timestamp: sentAt,
			})
		}
		records = append(records,
			&kgo.Record{Topic: topic, Key: []byte("null"), Value: nil, Timestamp: sentAt},
			&kgo.Record{Topic: topic, Key: nil, Value: []byte{}, Timestamp: sentAt},
			&kgo.Record{Topic: topic, Value: bytes.Repeat([]byte("b"), bigRecordBytes), Timestamp: sentAt})
		check(client.ProduceSync(ctx, records...).FirstErr(), "produce with "+name)
		seen.Produced += len(records)
		client.Close()
	}
	return sentAt
}

func consume(ctx context.Context, seeds []string, topic, group string, count int, sentAt time.Time, seen *summary) {
	client, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.FetchMaxWait(200*time.Millisecond))
	check(err, "consumer")
	defer client.Close()
	for seen.Consumed < count {
		fetches := client.PollFetches(ctx)
		for _, failure := range fetches.Errors() {
			check(failure.Err, "fetch")
		}
		fetches.EachRecord(func(record *kgo.Record) {
			seen.Consumed++
			must(record.Timestamp.Equal(sentAt), "timestamp %v of %d", record.Timestamp, record.Offset)
			switch {
			case record.Value == nil:
				seen.Nulls++
			case len(record.Value) == 0:
				seen.Empty++
			case len(record.Value) == bigRecordBytes:
				seen.Big++
			default:
				must(len(record.Headers) == 2 && record.Headers[1].Value == nil, "headers %v", record.Headers)
			}
		})
		check(client.CommitUncommittedOffsets(ctx), "commit")
	}
}

func inspect(ctx context.Context, admin *kadm.Client, seeds []string, topic, group string, seen *summary) {
	lags, err := admin.Lag(ctx, group)
	check(err, "lag")
	lag := lags[group]
	check(lag.Error(), "lag of the group")
	must(lag.State == "Empty", "the group's state is %s", lag.State)
	seen.Lag = lag.Lag.Total()
	commits, err := admin.FetchOffsets(ctx, group)
	check(err, "committed offsets")
	commits.Each(func(offset kadm.OffsetResponse) { seen.Committed += offset.At })
	configs, err := admin.DescribeTopicConfigs(ctx, topic)
	check(err, "configs")
	for _, config := range configs[0].Configs {
		if config.Key == "retention.ms" {
			seen.Retention = config.MaybeValue()
		}
	}
	starts, err := admin.ListStartOffsets(ctx, topic)
	check(err, "start offsets")
	check(starts.Error(), "start offset")
	groups, err := admin.ListGroups(ctx)
	check(err, "groups")
	must(len(groups.Groups()) > 0, "no group is listed")
	cluster, err := admin.BrokerMetadata(ctx)
	check(err, "cluster")
	must(len(cluster.Brokers) == len(seeds) && cluster.Cluster != "", "the cluster is %v", cluster)
}

func main() {
	if os.Args[1] == "transact" {
		transact(strings.Split(os.Args[2], ","), os.Args[3], os.Args[4], os.Args[5])
		return
	}
	seeds, prefix := strings.Split(os.Args[1], ","), os.Args[2]
	topic, group := prefix+"-records", prefix+"-group"
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(seeds...))
	check(err, "client")
	defer client.Close()
	admin := kadm.NewClient(client)
	var seen summary
	createTopic(ctx, admin, topic)
	sentAt := produce(ctx, seeds, topic, &seen)
	consume(ctx, seeds, topic, group, seen.Produced, sentAt, &seen)
	inspect(ctx, admin, seeds, topic, group, &seen)
	temporary := prefix + "-temporary"
	createTopic(ctx, admin, temporary)
	_, err = admin.DeleteTopics(ctx, temporary)
	check(err, "delete topic")
	check(json.NewEncoder(os.Stdout).Encode(seen), "print")
}
