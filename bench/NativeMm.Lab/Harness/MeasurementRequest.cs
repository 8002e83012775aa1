using System.Text.Json;
using NativeMm.Lab.Experiments;

namespace NativeMm.Lab.Harness;

/// <summary>What a child process is asked to measure. Travels as one command-line argument.</summary>
/// <param name="Case">The case.</param>
/// <param name="Seconds">How long to measure after warming up.</param>
/// <param name="Quick">Whether memory experiments run in their smaller form.</param>
/// <param name="Pin">Whether threads are pinned to cores.</param>
internal sealed record MeasurementRequest(Case Case, double Seconds, bool Quick, bool Pin)
{
    /// <summary>The parameters of the case.</summary>
    public ParameterValues Parameters => Case.Parameters;

    /// <summary>The text form. Written by hand because a reflecting serializer would slow down every launch.</summary>
    public string ToJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("experiment", Case.Experiment);
            json.WriteString("variant", Case.Variant);
            json.WriteNumber("threads", Case.Threads);
            json.WriteNumber("seconds", Seconds);
            json.WriteBoolean("quick", Quick);
            json.WriteBoolean("pin", Pin);
            json.WriteStartObject("parameters");
            foreach ((string key, string value) in Case.Parameters.Pairs)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.ToArray());
    }

    /// <summary>Reads the text form.</summary>
    public static MeasurementRequest FromJson(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        JsonElement root = document.RootElement;
        var parameters = new ParameterValues(
            root.GetProperty("parameters").EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value.GetString()!)));
        var asked = new Case(
            root.GetProperty("experiment").GetString()!,
            root.GetProperty("variant").GetString()!,
            root.GetProperty("threads").GetInt32(),
            parameters);
        return new MeasurementRequest(
            asked,
            root.GetProperty("seconds").GetDouble(),
            root.GetProperty("quick").GetBoolean(),
            root.GetProperty("pin").GetBoolean());
    }
}
