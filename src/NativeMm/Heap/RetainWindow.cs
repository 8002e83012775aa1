using NativeMm.Diagnostics;

namespace NativeMm.Heap;

/// <summary>
/// How much is kept of what was freed: a plain amount always, more only as far as blocks in use and kept together stay below what was in use at once a moment ago. So a burst that comes again finds
/// its memory, and a heap never holds more for it than the burst itself did. Callers hold a lock of their own.
/// </summary>
internal struct RetainWindow
{
    /// <summary>What may be kept whatever was in use.</summary>
    public const ulong PlainBytesMax = 256 << 20;

    private ulong _peak;
    private ulong _peakBefore;
    private ulong _low;
    private long _since;

    /// <summary>Bytes that may be kept beside those in use.</summary>
    /// <param name="live">Bytes in use.</param>
    /// <param name="max">What the options allow.</param>
    public readonly ulong BoundOf(ulong live, ulong max)
    {
        ulong peak = ulong.Max(ulong.Max(_peak, _peakBefore), live);
        return ulong.Min(max, ulong.Max(PlainBytesMax, peak - live));
    }

    /// <summary>More bytes are in use than before.</summary>
    public void NoteLive(ulong live) => _peak = ulong.Max(_peak, live);

    /// <summary>Fewer bytes are kept than before.</summary>
    public void NoteKept(ulong kept) => _low = ulong.Min(_low, kept);

    /// <summary>Begins anew, once the window is old enough.</summary>
    /// <param name="startedBefore">A window that began at that moment or later goes on.</param>
    /// <param name="now">The moment, in ticks of <see cref="Environment.TickCount64"/>.</param>
    /// <param name="live">Bytes in use.</param>
    /// <param name="kept">Bytes kept.</param>
    /// <returns>How many of those kept nobody needed at any moment of the window: 0 while it goes on.</returns>
    public ulong Turn(long startedBefore, long now, ulong live, ulong kept)
    {
        if (_since >= startedBefore)
        {
            return 0;
        }

        Invariant.Assert(_low <= kept, $"Of {kept} kept bytes nobody needed {_low}.");
        ulong unneeded = _low;
        (_peakBefore, _peak) = (_peak, live);
        (_low, _since) = (kept - unneeded, now);
        return unneeded;
    }
}
