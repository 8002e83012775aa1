using System.Buffers;

namespace NativeMm.AddressSpaces;

/// <summary>A piece of a sequence over pinned pages.</summary>
internal sealed class PinnedSegment : ReadOnlySequenceSegment<byte>
{
    private PinnedSegment(PinnedRun run, long index)
    {
        Memory = new PinnedMemory(run).Memory;
        RunningIndex = index;
    }

    /// <summary>A sequence over pieces.</summary>
    public static ReadOnlySequence<byte> Chain(PinnedRun[] runs)
    {
        var first = new PinnedSegment(runs[0], 0);
        PinnedSegment last = first;
        foreach (PinnedRun run in runs.AsSpan(1))
        {
            var next = new PinnedSegment(run, last.RunningIndex + last.Memory.Length);
            last.Next = next;
            last = next;
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }
}
