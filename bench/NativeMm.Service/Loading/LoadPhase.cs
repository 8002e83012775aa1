using System.Diagnostics;
using HdrHistogram;

namespace NativeMm.Service.Loading;

/// <summary>Requests of all connections, bounded in time and count.</summary>
/// <param name="connections">The connections.</param>
/// <param name="requestsMax">Requests of all of them together that it does not go beyond.</param>
internal sealed class LoadPhase(IReadOnlyList<HttpConnection> connections, long requestsMax)
{
    private const long LatencyMax = 600_000_000_000;
    private long _begun;

    /// <summary>Latencies in nanoseconds, of a phase with a rate.</summary>
    public LongHistogram Latencies { get; } = new(LatencyMax, 3);

    /// <summary>The longest latency of the requests that were due in each <see cref="TimeCurve.Interval"/>, in nanoseconds, of a phase with a rate.</summary>
    public IReadOnlyList<long> Slowest { get; private set; } = [];

    /// <summary>Requests that were answered.</summary>
    public long Requests { get; private set; }

    /// <summary>How long it took.</summary>
    public TimeSpan Elapsed { get; private set; }

    /// <summary>Each connection asks again as soon as it has its answer, until somebody is done.</summary>
    /// <param name="ask">One request of a connection by its number; false when there is nothing more to ask for.</param>
    /// <param name="seconds">For how long.</param>
    public async Task RunAsync(Func<HttpConnection, int, ValueTask<bool>> ask, double seconds)
    {
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(connections.Select((connection, number) => Task.Run(async () =>
        {
            while (clock.Elapsed.TotalSeconds < seconds && Interlocked.Increment(ref _begun) <= requestsMax && await ask(connection, number))
            {
            }
        })));
        End(clock);
    }

    /// <summary>
    /// Requests have their times, which no answer delays: a connection that is late begins the next one at once, and its latency counts from when it was due. Only
    /// where the generator itself woke too late it counts from then.
    /// </summary>
    /// <param name="ask">One request of a connection by its number.</param>
    /// <param name="seconds">For how long.</param>
    /// <param name="rate">Requests a second of all connections together.</param>
    public async Task RunAsync(Func<HttpConnection, int, ValueTask<bool>> ask, double seconds, long rate)
    {
        var clock = Stopwatch.StartNew();
        double step = (double)connections.Count / rate;
        long[][] slowest = [.. connections.Select(_ => new long[(int)Math.Ceiling(seconds / TimeCurve.Interval.TotalSeconds)])];
        LongHistogram[] each = await Task.WhenAll(connections.Select((connection, number) => Task.Run(async () =>
        {
            var latencies = new LongHistogram(LatencyMax, 3);
            for (double due = step * number / connections.Count; due < seconds && Interlocked.Increment(ref _begun) <= requestsMax; due += step)
            {
                double from = due;
                double early = due - clock.Elapsed.TotalSeconds;
                if (early > 0)
                {
                    await Task.Delay(TimeSpan.FromSeconds(early));
                    from = double.Max(due, clock.Elapsed.TotalSeconds);
                }

                await ask(connection, number);
                long latency = long.Clamp((long)((clock.Elapsed.TotalSeconds - from) * 1e9), 1, LatencyMax);
                latencies.RecordValue(latency);
                ref long longest = ref slowest[number][(int)(due / TimeCurve.Interval.TotalSeconds)];
                longest = long.Max(longest, latency);
            }

            return latencies;
        })));
        foreach (LongHistogram latencies in each)
        {
            Latencies.Add(latencies);
        }

        Slowest = [.. Enumerable.Range(0, slowest[0].Length).Select(interval => slowest.Max(one => one[interval]))];
        End(clock);
    }

    private void End(Stopwatch clock)
    {
        Elapsed = clock.Elapsed;
        Requests = long.Min(Interlocked.Read(ref _begun), requestsMax);
    }
}
