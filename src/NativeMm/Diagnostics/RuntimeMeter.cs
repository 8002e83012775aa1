using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using NativeMm.Primitives;

namespace NativeMm.Diagnostics;

/// <summary>
/// The meter "NativeMm" of one runtime. All instruments are observable: a listener asks when it wants to know, and the paths that are measured
/// pay nothing.
/// </summary>
/// <remarks>
/// Callbacks must be thread-safe and cheap. They come uninvited: beside the end of the owner, and after it, for a listener that began to ask before
/// keeps on; then they give null, and nothing is measured. The process lists every meter until it is disposed, so a callback must not refer to its
/// owner strongly: an owner whom nobody disposes would never go.
/// </remarks>
internal sealed class RuntimeMeter : IDisposable, ILoadContextTenant
{
    /// <summary>The name of the meter, and the first word of every instrument.</summary>
    public const string Name = "NativeMm";

    private const string Prefix = "nativemm.";
    private readonly Meter _meter;

    /// <summary>Makes a meter without instruments.</summary>
    /// <param name="owner">Tells runtimes of one process apart (tag <c>nativemm.runtime</c>).</param>
    public RuntimeMeter(string owner)
    {
        _meter = new Meter(new MeterOptions(Name)
        {
            Version = typeof(RuntimeMeter).Assembly.GetName().Version?.ToString(3),
            Tags = [new KeyValuePair<string, object?>("nativemm.runtime", owner)],
        });
        LoadContextTenants.Add(this);
    }

    /// <summary>Bytes that go up and down, unit <c>By</c>.</summary>
    /// <param name="name">Lowercase words with dots and underscores, after "nativemm.".</param>
    /// <param name="description">One sentence.</param>
    /// <param name="read">Gives the value now, or null when there is nothing to measure.</param>
    public void AddBytes(string name, string description, Func<long?> read) =>
        _meter.CreateObservableUpDownCounter(FullName(name), () => Measure(read), "By", description);

    /// <summary>Bytes by what they are, unit <c>By</c>: one value for each of several tags, of one moment.</summary>
    /// <param name="name">Lowercase words with dots and underscores, after "nativemm.".</param>
    /// <param name="description">One sentence.</param>
    /// <param name="tag">Key of the tag, in full.</param>
    /// <param name="read">Gives the values now by the tag's value, or null when there is nothing to measure.</param>
    public void AddBytes(string name, string description, string tag, Func<IEnumerable<(string Value, long Bytes)>?> read) =>
        _meter.CreateObservableUpDownCounter(FullName(name), () => Measure(tag, read), "By", description);

    /// <summary>Things that only ever get more, by what they are.</summary>
    /// <inheritdoc cref="AddBytes(string, string, string, Func{IEnumerable{ValueTuple{string, long}}})"/>
    /// <param name="name">Lowercase words with dots and underscores, after "nativemm.".</param>
    /// <param name="unit"><c>By</c>, or a unit in braces.</param>
    /// <param name="description">One sentence.</param>
    /// <param name="tag">Key of the tag, in full.</param>
    /// <param name="read">Gives the values now, never less than before, or null when there is nothing to measure.</param>
    public void AddTotal(string name, string unit, string description, string tag, Func<IEnumerable<(string Value, long Count)>?> read) =>
        _meter.CreateObservableCounter(FullName(name), () => Measure(tag, read), unit, description);

    /// <summary>Things that only ever get more, such as bytes returned since the start.</summary>
    /// <param name="name">Lowercase words with dots and underscores, after "nativemm.".</param>
    /// <param name="unit"><c>By</c>, or a unit in braces.</param>
    /// <param name="description">One sentence.</param>
    /// <param name="read">Gives the value now, never less than before, or null when there is nothing to measure.</param>
    public void AddTotal(string name, string unit, string description, Func<long?> read) =>
        _meter.CreateObservableCounter(FullName(name), () => Measure(read), unit, description);

    /// <summary>Takes the meter off the list of the process. Its listeners are told; what they throw is written down.</summary>
    public void Dispose()
    {
        LoadContextTenants.Remove(this);
        Leave();
    }

    /// <inheritdoc/>
    /// <remarks>The meter waits for a lock of all meters: an interrupt that comes meanwhile stays pending for the caller's next own wait.</remarks>
    public void Leave()
    {
        bool interrupted = false;
        while (!TryLeave())
        {
            interrupted = true;
        }

        if (interrupted)
        {
            Thread.CurrentThread.Interrupt();
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "The end of a runtime must not fail for a listener.")]
    private bool TryLeave()
    {
        try
        {
            _meter.Dispose();
            return true;
        }
        catch (ThreadInterruptedException)
        {
            return false;
        }
        catch (OutOfMemoryException)
        {
            // Managed memory is full: there is none to say so with either. The callbacks of a meter whose owner is gone measure nothing.
            return true;
        }
        catch (Exception exception)
        {
            NativeMmEventSource.Log.BackgroundPassFailed("end of the meter", FailureText.Of(exception));
            return true;
        }
    }

    private static IEnumerable<Measurement<long>> Measure(Func<long?> read) => read() is { } value ? [new Measurement<long>(value)] : [];

    private static IEnumerable<Measurement<long>> Measure(string tag, Func<IEnumerable<(string Value, long Count)>?> read) =>
        read() is { } rows ? [.. rows.Select(row => new Measurement<long>(row.Count, new KeyValuePair<string, object?>(tag, row.Value)))] : [];

    private static string FullName(string name)
    {
        bool wellFormed = name.Length > 0
            && name.All(letter => letter is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '.' or '_')
            && name[0] != '.' && name[^1] != '.' && !name.Contains("..", StringComparison.Ordinal);
        return wellFormed ? Prefix + name : throw new ArgumentException($"An instrument is named in lowercase words with dots, not '{name}'.", nameof(name));
    }
}
