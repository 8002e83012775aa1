using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Service;

/// <summary>Starts <c>bench/NativeMm.Service</c> twice, as the service and as its load, and takes the last line of the load.</summary>
internal static class ServiceMeasurement
{
    // A phase that is shorter sees hardly a collection of the oldest generation.
    private const double SecondsMin = 20;
    private const double SecondsQuick = 0.5;

    // Memory that rested for a while is given back, a few times a second; the quick form waits for the first of it.
    private const string Settle = "15";
    private const string SettleQuick = "3";

    // Until the service's code is compiled for speed; the quick form is content with less.
    private const string Warm = "20000";
    private const string WarmQuick = "3000";
    private static readonly TimeSpan s_startMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_loadMax = TimeSpan.FromMinutes(20);

    /// <summary>Measures one store with so many bytes of values.</summary>
    public static Measurement Measure(MeasurementRequest request, long bytes, string values, string rate)
    {
        // Half as much again for keys, heads and what lies free: nothing is to be evicted, from any store.
        using Process service = Process.Start(Start(isServer: true, "serve", "--store", request.Case.Variant, "--limit", Text(bytes + (bytes / 2) + (16 << 20))))!;
        try
        {
            Task<string?> hello = service.StandardOutput.ReadLineAsync();
            if (!hello.Wait(s_startMax) || hello.Result is not { } line)
            {
                return Measurement.Failed("the service did not start");
            }

            int port = JsonDocument.Parse(line).RootElement.GetProperty("listening").GetInt32();
            double seconds = request.Quick ? SecondsQuick : double.Max(SecondsMin, request.Seconds);
            ProcessOutput load = ProcessOutput.Of(
                Start(
                    isServer: false, "load", "--port", Text(port), "--bytes", Text(bytes), "--values", values, "--rate", rate, "--seconds", Text(seconds),
                    "--settle", request.Quick ? SettleQuick : Settle, "--warm", request.Quick ? WarmQuick : Warm),
                s_loadMax);
            return load.ExitCode == 0
                ? Read(load.Out.Split('\n').Last(one => one.StartsWith('{')))
                : Measurement.Failed($"the load ended with code {load.ExitCode}: {load.Error.Split('\n')[0]}");
        }
        finally
        {
            service.StandardInput.Close();
            if (!service.WaitForExit(s_startMax))
            {
                service.Kill(entireProcessTree: true);
            }
        }
    }

    private static Measurement Read(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement summary = document.RootElement;
        double empty = Number("empty_resident");
        return new Measurement()
            .Add("p999", Number("p999_ns"))
            .Add("p50", Number("p50_ns"))
            .Add("p99", Number("p99_ns"))
            .Add("max", Number("max_ns"))
            .Add("requests_per_second", Number("rps"))
            .Add("pauses", Number("pauses"))
            .Add("pause_max", Number("pause_max_ms") * 1e6)
            .Add("pause_share", Number("pause_share") * 100)
            .Add("gen2", Number("gen2"))
            .Add("resident_per_byte", (Number("resident") - empty) / Number("stored_bytes"))
            .Add("resident_after_drop", (Number("left_resident") - empty) / Number("left_bytes"))
            .AddSeries("longest pause", Curve("pause_curve", 1e6))
            .AddSeries("slowest request", Curve("latency_curve", 1));

        double Number(string name) => summary.GetProperty(name).GetDouble();

        SeriesPoint[] Curve(string name, double nanoseconds) =>
            [.. summary.GetProperty(name).EnumerateArray().Select((one, interval) => new SeriesPoint(interval * Number("interval_s"), one.GetDouble() * nanoseconds))];
    }

    private static ProcessStartInfo Start(bool isServer, params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardInput = isServer,
            RedirectStandardOutput = true,
        };
        start.ArgumentList.Add("exec");
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "NativeMm.Service.dll"));
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // The load has a small heap; what it costs beside the service is to be little.
        start.Environment["DOTNET_gcServer"] = isServer ? "1" : "0";
        return start;
    }

    private static string Text(double number) => number.ToString(CultureInfo.InvariantCulture);
}
