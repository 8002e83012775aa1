using NativeMm.Lab.Traces;

namespace NativeMm.Lab.Recording;

/// <summary>
/// Makes records out of events about blocks that are known by an address or another key. Whatever a replay could not perform is left out: a free of a
/// block that was there before the recording began, and blocks larger than a trace may hold. Not thread-safe.
/// </summary>
/// <param name="writer">Where the records go.</param>
internal sealed class TraceBuilder(TraceWriter writer)
{
    private readonly Dictionary<ulong, LiveObject> _live = [];
    private readonly Dictionary<uint, LiveObject> _moving = [];
    private readonly Dictionary<uint, byte> _threads = [];
    private uint _objects;
    private ulong _liveBytes;

    /// <summary>Objects so far.</summary>
    public uint Objects => _objects;

    /// <summary>Threads so far. A trace keeps 256 apart; further ones share their numbers.</summary>
    public int Threads => _threads.Count;

    /// <summary>Most bytes that were live at one moment.</summary>
    public ulong PeakLiveBytes { get; private set; }

    /// <summary>Adds an event of the preloaded library.</summary>
    public void Add(in RecordedEvent happened)
    {
        switch (happened.Operation)
        {
            case RecordedOperation.Allocate:
                Allocate(TraceOperation.Allocate, happened.Thread, happened.AlignmentLog2, happened.Address, happened.Size);
                break;
            case RecordedOperation.AllocateZeroed:
                Allocate(TraceOperation.AllocateZeroed, happened.Thread, happened.AlignmentLog2, happened.Address, happened.Size);
                break;
            case RecordedOperation.Release:
                Free(happened.Thread, happened.Address);
                break;
            case RecordedOperation.ReallocateBegin:
                BeginReallocate(happened.Thread, happened.Address);
                break;
            case RecordedOperation.ReallocateEnd:
                EndReallocate(happened.Thread, happened.Address, happened.Size);
                break;
        }
    }

    /// <summary>A block is there. If one with its key was live already, its free was not seen and is added.</summary>
    public void Allocate(TraceOperation operation, uint thread, int alignmentLog2, ulong key, ulong size)
    {
        Free(thread, key);
        if (!Fits(size))
        {
            return;
        }

        var born = new LiveObject(_objects++, size, key);
        _live.Add(key, born);
        Count(0, size);
        ushort alignment = (ushort)Math.Min(alignmentLog2, TraceLimits.AlignmentLog2Max);
        writer.Add(new TraceRecord(operation, Number(thread), alignment, born.Number, size));
    }

    /// <summary>A block goes back. One that is not known is left out.</summary>
    public void Free(uint thread, ulong key)
    {
        if (_live.Remove(key, out LiveObject died))
        {
            Count(died.Size, 0);
            writer.Add(new TraceRecord(TraceOperation.Free, Number(thread), 0, died.Number, 0));
        }
    }

    /// <summary>Finishes the file.</summary>
    /// <returns>Whether there was anything to write.</returns>
    public bool Complete()
    {
        if (writer.Count == 0)
        {
            return false;
        }

        writer.Complete(_objects, (uint)Math.Min(_threads.Count, (int)TraceLimits.ThreadsMax));
        return true;
    }

    private void BeginReallocate(uint thread, ulong key)
    {
        if (_live.Remove(key, out LiveObject moving))
        {
            _moving[thread] = moving;
        }
    }

    // Refused: the block is where it was. Not known before: it is new to the recording.
    private void EndReallocate(uint thread, ulong key, ulong size)
    {
        bool known = _moving.Remove(thread, out LiveObject moving);
        if (key == 0)
        {
            if (known)
            {
                _live[moving.Key] = moving;
            }
        }
        else if (!known)
        {
            Allocate(TraceOperation.Allocate, thread, 0, key, size);
        }
        else if (!Fits(size))
        {
            Count(moving.Size, 0);
            writer.Add(new TraceRecord(TraceOperation.Free, Number(thread), 0, moving.Number, 0));
        }
        else
        {
            Free(thread, key);
            _live.Add(key, moving with { Size = size, Key = key });
            Count(moving.Size, size);
            writer.Add(new TraceRecord(TraceOperation.Reallocate, Number(thread), 0, moving.Number, size));
        }
    }

    private bool Fits(ulong size) => size <= TraceLimits.ObjectBytesMax && _liveBytes + size <= TraceLimits.LiveBytesMax;

    private void Count(ulong before, ulong after)
    {
        _liveBytes = _liveBytes - before + after;
        PeakLiveBytes = Math.Max(PeakLiveBytes, _liveBytes);
    }

    private byte Number(uint thread)
    {
        if (!_threads.TryGetValue(thread, out byte number))
        {
            number = (byte)(_threads.Count % TraceLimits.ThreadsMax);
            _threads.Add(thread, number);
        }

        return number;
    }

    private readonly record struct LiveObject(uint Number, ulong Size, ulong Key);
}
