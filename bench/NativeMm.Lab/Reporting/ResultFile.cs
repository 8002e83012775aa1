using System.Text;
using System.Text.Json;
using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Reporting;

/// <summary>Results as JSON, schema 1: machine, then one row a case with smallest, median and largest of every metric.</summary>
internal static class ResultFile
{
    private const int Schema = 1;

    /// <summary>The text of a file.</summary>
    public static string Format(MachineInfo machine, IReadOnlyList<ResultRow> rows, RunConditions? conditions = null)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", Schema);
            WriteFacts(json, "machine", machine.Facts);
            WriteFacts(json, "run", conditions?.Facts ?? []);
            json.WriteStartArray("results");
            foreach (ResultRow row in rows)
            {
                WriteRow(json, row);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It is not a file of results; the message is one line and names it.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static IReadOnlyList<ResultRow> Read(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new InvalidDataException($"{path}: not a file of results ({exception.Message.ReplaceLineEndings(" ")})", exception);
        }
    }

    /// <summary>Reads a text.</summary>
    internal static IReadOnlyList<ResultRow> Parse(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        int schema = Member(document.RootElement, "schema").GetInt32();
        if (schema != Schema)
        {
            throw new FormatException($"the schema is {schema}, known is {Schema}");
        }

        ResultRow[] rows = [.. Member(document.RootElement, "results").EnumerateArray().Select(ParseRow)];
        Case? twice = rows.GroupBy(r => r.Case).FirstOrDefault(g => g.Count() > 1)?.Key;
        return twice is null ? rows : throw new FormatException($"{twice} appears twice");
    }

    /// <summary>Reads how a file was made and on what machine: the facts under "machine" and "run".</summary>
    /// <inheritdoc cref="Read"/>
    public static IReadOnlyDictionary<string, string> ReadFacts(string path)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
        var facts = new Dictionary<string, string>();
        foreach (string name in (string[])["machine", "run"])
        {
            if (document.RootElement.TryGetProperty(name, out JsonElement part) && part.ValueKind == JsonValueKind.Object)
            {
                foreach (JsonProperty fact in part.EnumerateObject().Where(fact => fact.Value.ValueKind == JsonValueKind.String))
                {
                    facts[fact.Name] = Text(fact.Value);
                }
            }
        }

        return facts;
    }

    private static void WriteFacts(Utf8JsonWriter json, string name, IReadOnlyList<KeyValuePair<string, string>> facts)
    {
        json.WriteStartObject(name);
        foreach ((string key, string value) in facts)
        {
            json.WriteString(key, value);
        }

        json.WriteEndObject();
    }

    private static void WriteRow(Utf8JsonWriter json, ResultRow row)
    {
        json.WriteStartObject();
        json.WriteString("experiment", row.Case.Experiment);
        json.WriteString("variant", row.Case.Variant);
        json.WriteNumber("threads", row.Case.Threads);
        json.WriteStartObject("parameters");
        foreach ((string key, string value) in row.Case.Parameters.Pairs)
        {
            json.WriteString(key, value);
        }

        json.WriteEndObject();
        json.WriteStartObject("metrics");
        foreach (MetricResult metric in row.Metrics)
        {
            json.WriteStartObject(metric.Name);
            json.WriteString("unit", metric.Unit);
            json.WriteNumber("min", metric.Spread.Min);
            json.WriteNumber("median", metric.Spread.Median);
            json.WriteNumber("max", metric.Spread.Max);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static ResultRow ParseRow(JsonElement row)
    {
        var parameters = new ParameterValues(
            Member(row, "parameters").EnumerateObject().Select(p => KeyValuePair.Create(p.Name, Text(p.Value))));
        var measured = new Case(Text(Member(row, "experiment")), Text(Member(row, "variant")), Member(row, "threads").GetInt32(), parameters);
        MetricResult[] metrics = [.. Member(row, "metrics").EnumerateObject().Select(ParseMetric)];
        return new ResultRow(measured, metrics, 0, new Dictionary<string, IReadOnlyList<SeriesPoint>>());
    }

    private static MetricResult ParseMetric(JsonProperty metric)
    {
        JsonElement value = metric.Value;
        var spread = new Spread(Number(value, "min"), Number(value, "median"), Number(value, "max"));
        return new MetricResult(metric.Name, Text(Member(value, "unit")), spread);
    }

    private static JsonElement Member(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement found) ? found : throw new FormatException($"\"{name}\" is missing");

    // A number too large for a double is read as infinite.
    private static double Number(JsonElement parent, string name) =>
        Member(parent, name).GetDouble() is var number && double.IsFinite(number) ? number : throw new FormatException($"\"{name}\" is {number}");

    private static string Text(JsonElement value) => value.GetString() ?? throw new FormatException("a text is missing");
}
