using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Running;

/// <summary>What was found. The first finding ends the run: what comes after it may be its consequence. Thread-safe.</summary>
internal sealed class Findings
{
    private Exception? _first;

    /// <summary>The first, or null.</summary>
    public Exception? First => Volatile.Read(ref _first);

    /// <summary>Notes what must not be.</summary>
    /// <param name="who">Who was at work, and at what.</param>
    /// <param name="exception">A finding, or anything that the library may not throw.</param>
    public void Note(string who, Exception exception) => Interlocked.CompareExchange(
        ref _first,
        exception as FindingException ?? new FindingException(who, 0, "no such exception", exception.ToString(), exception),
        null);
}
