/** The percentiles that Kafka's histograms give over JMX, as the exporter's label writes them. */
export const QUANTILES = ["0.50", "0.75", "0.95", "0.98", "0.99", "0.999"] as const;
