using System.Text.Json.Nodes;

namespace NativeMm.Service.Loading;

/// <summary>The phases: fill, as fast as it goes, at a rate, and the drop to a tenth. A line of JSON for each, and one for all.</summary>
internal static class LoadRun
{
    // Ten megabytes a second, and a minute: a fill that is slower is broken.
    private const double FillBytesPerSecond = 10e6;

    // What the service has to come to rest: the events of its collector come that late as well.
    private static readonly TimeSpan s_rest = TimeSpan.FromSeconds(1);

    /// <summary>Runs them.</summary>
    /// <returns>Whether every value came back.</returns>
    public static async Task<bool> RunAsync(LoadOptions options)
    {
        var values = new ValueSet(options.IsCompressible, options.Seed);
        int count = ValueSet.CountFor(options.Bytes, out long bytes);
        HttpConnection[] connections = await Task.WhenAll(Enumerable.Range(0, options.Connections).Select(_ => HttpConnection.OpenAsync(options.Port, values)));
        HttpConnection control = await HttpConnection.OpenAsync(options.Port, values);
        await WarmAsync(connections, count, options.Warm);
        long emptyResident = await ResidentAsync(control);
        var summary = new JsonObject { ["phase"] = "summary", ["keys"] = count, ["stored_bytes"] = bytes, ["empty_resident"] = emptyResident };

        int next = -1;
        var fill = new LoadPhase(connections, options.RequestsMax);
        await fill.RunAsync(
            async (connection, _) =>
            {
                int key = Interlocked.Increment(ref next);
                if (key < count)
                {
                    await connection.SetAsync(key);
                }

                return key < count;
            },
            60 + (bytes / FillBytesPerSecond));
        if (next < count)
        {
            throw new InvalidDataException($"{next} of {count} values were set before the time or the requests were over.");
        }

        Say("fill", fill, new JsonObject { ["keys"] = count, ["bytes"] = bytes });

        var keys = new ZipfKeys(count, options.Skew);
        Random[] chance = [.. Enumerable.Range(0, options.Connections).Select(number => new Random(options.Seed + number))];
        long[] missing = new long[options.Connections];
        async ValueTask<bool> AskAsync(HttpConnection connection, int number)
        {
            int key = keys.Next(chance[number]);
            if (chance[number].NextDouble() >= options.Reads)
            {
                await connection.SetAsync(key);
            }
            else if (!await connection.GetAsync(key))
            {
                missing[number]++;
            }

            return true;
        }

        // What the fill left behind is collected meanwhile.
        var warm = new LoadPhase(connections, options.RequestsMax);
        await warm.RunAsync(AskAsync, options.Seconds / 4);
        await control.BeginWindowAsync();
        var closed = new LoadPhase(connections, options.RequestsMax);
        await closed.RunAsync(AskAsync, options.Seconds);
        Say("closed", closed, Node(await control.ReadWindowAsync()));
        summary["rps"] = closed.Requests / closed.Elapsed.TotalSeconds;

        await control.BeginWindowAsync();
        var open = new LoadPhase(connections, options.RequestsMax);
        await open.RunAsync(AskAsync, options.Seconds, options.Rate);
        await Task.Delay(s_rest);
        JsonObject window = Node(await control.ReadWindowAsync());
        foreach ((string name, double percentile) in ((string, double)[])[("p50", 50), ("p99", 99), ("p999", 99.9), ("max", 100)])
        {
            long latency = open.Latencies.GetValueAtPercentile(percentile);
            window[name + "_ns"] = latency;
            summary[name + "_ns"] = latency;
        }

        foreach (string name in (string[])["pauses", "pause_max_ms", "pause_share", "gen2", "pause_curve"])
        {
            summary[name] = window[name]!.DeepClone();
        }

        summary["interval_s"] = TimeCurve.Interval.TotalSeconds;
        summary["latency_curve"] = new JsonArray([.. open.Slowest.Select(longest => (JsonNode)longest)]);
        summary["resident"] = window["resident"]!.DeepClone();
        summary["missing"] = missing.Sum();
        Say("open", open, window);

        await DropAsync(options, connections, count, control, summary);
        summary["ok"] = missing.Sum() == 0;
        await Console.Out.WriteLineAsync(summary.ToJsonString());
        foreach (HttpConnection connection in (HttpConnection[])[.. connections, control])
        {
            connection.Dispose();
        }

        return missing.Sum() == 0;
    }

    /// <summary>
    /// Asks for all that will be asked for, with a few values that are gone afterwards: an empty service is one whose code is compiled and whose buffers are there.
    /// </summary>
    private static async Task WarmAsync(HttpConnection[] connections, int count, long requests)
    {
        var phase = new LoadPhase(connections, requests / 3);
        await phase.RunAsync(
            async (connection, number) =>
            {
                await connection.SetAsync(count + number);
                bool isThere = await connection.GetAsync(count + number);
                await connection.RemoveAsync(count + number);
                return isThere;
            },
            60);
        await Task.Delay(s_rest);
    }

    private static async Task DropAsync(LoadOptions options, HttpConnection[] connections, int count, HttpConnection control, JsonObject summary)
    {
        int next = -1;
        var drop = new LoadPhase(connections, options.RequestsMax);
        await drop.RunAsync(
            async (connection, _) =>
            {
                int key = Interlocked.Increment(ref next);
                if (key < count && key % 10 != 0)
                {
                    await connection.RemoveAsync(key);
                }

                return key < count;
            },
            600);
        long left = 0;
        for (int key = 0; key < count; key += 10)
        {
            left += ValueSet.LengthOf(key);
        }

        // Nothing is asked meanwhile: what gives memory back does so by itself.
        await Task.Delay(TimeSpan.FromSeconds(options.Settle));
        summary["left_bytes"] = left;
        summary["left_resident"] = await ResidentAsync(control);
        Say("drop", drop, new JsonObject { ["bytes"] = left, ["resident"] = summary["left_resident"]!.DeepClone() });
    }

    private static async Task<long> ResidentAsync(HttpConnection control) => (long)Node(await control.ReadWindowAsync())["resident"]!;

    private static JsonObject Node(string json) => JsonNode.Parse(json)!.AsObject();

    private static void Say(string phase, LoadPhase load, JsonObject figures)
    {
        var line = new JsonObject { ["phase"] = phase, ["seconds"] = load.Elapsed.TotalSeconds, ["requests"] = load.Requests };
        foreach ((string name, JsonNode? value) in figures)
        {
            line[name] = value?.DeepClone();
        }

        Console.Out.WriteLine(line.ToJsonString());
    }
}
