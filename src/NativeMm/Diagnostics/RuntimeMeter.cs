using System.Diagnostics.Metrics;
using NativeMm.Primitives;

namespace NativeMm.Diagnostics;

/// <summary>
/// The meter "NativeMm" of one runtime. All instruments are observable: a listener asks when it wants to know, and the paths that are measured
/// pay nothing. Callbacks must be thread-safe and cheap. Dispose it with its owner; callbacks are not called afterwards.
/// </summary>
internal sealed class RuntimeMeter : IDisposable
{
    /// <summary>The name of the meter, and the first word of every instrument.</summary>
    public const string Name = "NativeMm";

    private const string Prefix = "nativemm.";
    private readonly Meter _meter;
    private int _disposed;

    /// <summary>Makes a meter without instruments.</summary>
    /// <param name="owner">Tells runtimes of one process apart (tag <c>nativemm.runtime</c>).</param>
    public RuntimeMeter(string owner) => _meter = new Meter(new MeterOptions(Name)
    {
        Version = typeof(RuntimeMeter).Assembly.GetName().Version?.ToString(3),
        Tags = [new KeyValuePair<string, object?>("nativemm.runtime", owner)],
    });

    /// <summary>Bytes that go up and down, unit <c>By</c>.</summary>
    /// <param name="name">Lowercase words with dots and underscores, after "nativemm.".</param>
    /// <param name="description">One sentence.</param>
    /// <param name="read">Gives the value now.</param>
    public void AddBytes(string name, string description, Func<long> read) =>
        _meter.CreateObservableUpDownCounter(FullName(name), UntilDisposed(read), "By", description);

    /// <summary>Things that only ever get more, such as bytes returned since the start.</summary>
    /// <param name="name">Lowercase words with dots and underscores, after "nativemm.".</param>
    /// <param name="unit"><c>By</c>, or a unit in braces.</param>
    /// <param name="description">One sentence.</param>
    /// <param name="read">Gives the value now; never less than before.</param>
    public void AddTotal(string name, string unit, string description, Func<long> read) =>
        _meter.CreateObservableCounter(FullName(name), UntilDisposed(read), unit, description);

    /// <inheritdoc/>
    /// <remarks>The meter waits for a lock of all meters: an interrupt that comes meanwhile stays pending for the caller's next own wait.</remarks>
    public void Dispose()
    {
        Atomic.StoreRelease(ref _disposed, 1);
        bool interrupted = false;
        while (!TryDispose())
        {
            interrupted = true;
        }

        if (interrupted)
        {
            Thread.CurrentThread.Interrupt();
        }
    }

    private bool TryDispose()
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
            // The meter needs managed memory to go. Without any its instruments stay with their listeners, and give 0.
            return true;
        }
    }

    private Func<long> UntilDisposed(Func<long> read) => () => Atomic.LoadAcquire(ref _disposed) == 0 ? read() : 0;

    private static string FullName(string name)
    {
        bool wellFormed = name.Length > 0
            && name.All(letter => letter is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '.' or '_')
            && name[0] != '.' && name[^1] != '.' && !name.Contains("..", StringComparison.Ordinal);
        return wellFormed ? Prefix + name : throw new ArgumentException($"An instrument is named in lowercase words with dots, not '{name}'.", nameof(name));
    }
}
