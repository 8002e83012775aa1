using System.Collections.Concurrent;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.Tests.Support.Teardown;

/// <summary>
/// What becomes of gathered frames, written down: a frame that is freed without a flush since it was cleared is a mistake. Frames with two owners are only let go of.
/// </summary>
internal sealed unsafe class RecordingRelease(IFrameAllocator frames) : IFrameRelease
{
    private readonly ConcurrentDictionary<ulong, long> _clearedAt = new();
    private readonly ConcurrentDictionary<ulong, int> _owners = new();
    private long _clock;
    private long _flushedAt;

    public ConcurrentQueue<string> Mistakes { get; } = [];

    public int Flushes { get; private set; }

    public long Freed { get; private set; }

    /// <summary>Called at the begin of each free, without a lock.</summary>
    public Action<int>? OnFree { get; set; }

    /// <summary>Takes a frame and clears its entry, as it were.</summary>
    public ulong Clear(int owners = 1)
    {
        if (!frames.TryAllocate(Order.Zero, FrameFlags.None, out Pfn frame, out _))
        {
            throw new InvalidOperationException("The zone of the test is too small.");
        }

        ulong address = (ulong)frames.Zone.AddressOf(frame);
        _owners[address] = owners;
        ClearAgain(address);
        return address;
    }

    /// <summary>The entry of another owner of a frame is cleared.</summary>
    public void ClearAgain(ulong address) => _clearedAt[address] = Interlocked.Increment(ref _clock);

    public void Flush()
    {
        Flushes++;
        Volatile.Write(ref _flushedAt, Interlocked.Increment(ref _clock));
    }

    public void Free(ReadOnlySpan<ulong> addresses)
    {
        OnFree?.Invoke(addresses.Length);
        lock (_owners)
        {
            foreach (ulong address in addresses)
            {
                if (_clearedAt[address] > Volatile.Read(ref _flushedAt))
                {
                    Mistakes.Enqueue($"{address:x} is freed before a flush");
                }

                if (--_owners[address] == 0)
                {
                    frames.Free(frames.Zone.FrameOf((void*)address), Order.Zero);
                }

                Freed++;
            }
        }
    }
}
