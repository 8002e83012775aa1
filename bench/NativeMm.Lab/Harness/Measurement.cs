using System.Text;
using System.Text.Json;

namespace NativeMm.Lab.Harness;

/// <summary>What one launch of a child process found. Travels as one line of JSON on its standard output.</summary>
internal sealed class Measurement
{
    private readonly Dictionary<string, double> _metrics = [];
    private readonly Dictionary<string, IReadOnlyList<SeriesPoint>> _series = [];

    /// <summary>Figures by metric name.</summary>
    public IReadOnlyDictionary<string, double> Metrics => _metrics;

    /// <summary>Curves by name, for the report only.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<SeriesPoint>> Series => _series;

    /// <summary>Why there is nothing else, or null.</summary>
    public string? Error { get; private set; }

    /// <summary>Whether the child was interrupted from the terminal, as the lab was.</summary>
    public bool IsInterrupted { get; private init; }

    /// <summary>A measurement that somebody ended before its time.</summary>
    public static Measurement Interrupted() => new() { Error = "it was interrupted", IsInterrupted = true };

    /// <summary>A measurement that did not come about.</summary>
    public static Measurement Failed(string why) => new() { Error = why.ReplaceLineEndings(" ") };

    /// <summary>Adds a figure. Figures must be finite; a metric that does not apply is not added.</summary>
    public Measurement Add(string metric, double value)
    {
        if (!double.IsFinite(value))
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, $"{metric} is not a finite number.");
        }

        _metrics.Add(metric, value);
        return this;
    }

    /// <summary>Adds a curve.</summary>
    public Measurement AddSeries(string name, IReadOnlyList<SeriesPoint> points)
    {
        _series.Add(name, points);
        return this;
    }

    /// <summary>The one line.</summary>
    public string ToJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (Error is not null)
            {
                json.WriteString("error", Error);
            }

            json.WriteStartObject("metrics");
            foreach ((string name, double value) in _metrics)
            {
                json.WriteNumber(name, value);
            }

            json.WriteEndObject();
            json.WriteStartObject("series");
            foreach ((string name, IReadOnlyList<SeriesPoint> points) in _series)
            {
                json.WriteStartArray(name);
                foreach (SeriesPoint point in points)
                {
                    json.WriteNumberValue(point.X);
                    json.WriteNumberValue(point.Y);
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    /// <summary>Reads the one line.</summary>
    public static Measurement FromJson(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement root = document.RootElement;
        var result = new Measurement { Error = root.TryGetProperty("error", out JsonElement error) ? error.GetString() : null };
        foreach (JsonProperty metric in root.GetProperty("metrics").EnumerateObject())
        {
            result.Add(metric.Name, metric.Value.GetDouble());
        }

        foreach (JsonProperty curve in root.GetProperty("series").EnumerateObject())
        {
            double[] flat = [.. curve.Value.EnumerateArray().Select(v => v.GetDouble())];
            var points = new SeriesPoint[flat.Length / 2];
            for (int i = 0; i < points.Length; i++)
            {
                points[i] = new SeriesPoint(flat[2 * i], flat[(2 * i) + 1]);
            }

            result.AddSeries(curve.Name, points);
        }

        return result;
    }
}
