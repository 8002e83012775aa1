using NativeMm.Heap;
using NativeMm.Tests.Unit.Heap;
using Xunit;

namespace NativeMm.Tests.Model.Heap;

/// <summary>
/// The naive model: a sorted list of blocks with what was written into them. The heap runs beside it; each block is stamped, so that overlaps,
/// lost content and false zeroes show.
/// </summary>
internal sealed unsafe class HeapModel(HeapFixture fixture)
{
    private readonly SortedDictionary<nint, (int Bytes, int Stamp)> _live = [];
    private readonly List<string> _history = [];
    private int _lastStamp;

    private NativeHeap Heap => fixture.Heap;

    public string History => string.Join(Environment.NewLine, _history.TakeLast(400));

    /// <summary>Does one operation, decoded from two numbers.</summary>
    public void Step(uint code, uint argument)
    {
        int bytes = SizeFrom(argument);
        switch (code % 16)
        {
            case 0 or 1 or 2 or 3:
                Note($"alloc {bytes}");
                Add((byte*)Heap.Alloc((nuint)bytes), bytes);
                break;
            case 4 or 5 or 6 or 7:
                Free(argument);
                break;
            case 8 or 9:
                Realloc(argument, SizeFrom((argument * 2_654_435_761u) ^ code));
                break;
            case 10:
                AllocAligned(bytes, (nuint)1 << (int)(argument % 23));
                break;
            case 11 or 12:
                AllocZeroed(bytes);
                break;
            case 13:
                AllocBulk(Math.Min(bytes, 4096), (int)(argument % 150));
                break;
            case 14:
                FreeBulk((int)(argument % 150));
                break;
            default:
                Trim(argument % 4);
                break;
        }
    }

    /// <summary>Checks what is left, frees it, and checks that nothing is.</summary>
    public void Finish()
    {
        fixture.Runtime.Validate();
        Assert.Equal(_live.Count, fixture.LiveBlocks);
        foreach (nint block in _live.Keys)
        {
            Assert.True(Heap.Owns((void*)block), $"0x{block:x} is live, but the heap does not own it.");
        }

        while (_live.Count != 0)
        {
            Free(0);
        }

        fixture.Runtime.Validate();
        Assert.Equal(0, fixture.LiveBlocks);
    }

    // Mostly small, sometimes around the border of runs, seldom large.
    private static int SizeFrom(uint argument) => (argument >> 24) switch
    {
        < 150 => (int)(argument % 1100),
        < 220 => (int)(argument % 70_000),
        < 250 => (int)(argument % 600_000),
        _ => (int)(argument % (3 << 20)),
    };

    private void Note(string what) => _history.Add($"{Environment.CurrentManagedThreadId}: {what}");

    private void Add(byte* block, int bytes)
    {
        int usable = (int)Heap.UsableSize(block);
        Assert.True(usable >= Math.Max(bytes, 1), $"{bytes} bytes asked for, {usable} usable.");
        Assert.Equal(0, (nint)block % 16);
        AssertApart((nint)block, usable);
        int stamp = ++_lastStamp;
        Stamp(block, bytes, stamp);
        _live.Add((nint)block, (bytes, stamp));
    }

    private void AssertApart(nint block, int bytes)
    {
        foreach ((nint other, (int otherBytes, _)) in _live)
        {
            Assert.True(block + bytes <= other || other + Math.Max(otherBytes, 1) <= block, $"0x{block:x} + {bytes} overlaps 0x{other:x} + {otherBytes}.");
        }
    }

    private void Free(uint argument)
    {
        if (_live.Count != 0)
        {
            nint block = Pick(argument);
            Note($"free {_live[block].Bytes} at 0x{block:x}");
            Check(block);
            Heap.Free((void*)block);
            _live.Remove(block);
        }
    }

    private void Realloc(uint argument, int bytes)
    {
        nint block = _live.Count == 0 ? 0 : Pick(argument);
        (int oldBytes, int stamp) = block == 0 ? (0, 0) : _live[block];
        Note($"realloc {oldBytes} at 0x{block:x} to {bytes}");
        byte* moved = (byte*)Heap.Realloc((void*)block, (nuint)bytes);
        _live.Remove(block);
        AssertStamped(moved, Math.Min(oldBytes, bytes), stamp);
        Add(moved, bytes);
    }

    private void AllocAligned(int bytes, nuint alignment)
    {
        Note($"aligned {bytes} at {alignment}");
        byte* block = (byte*)Heap.AlignedAlloc((nuint)bytes, alignment);
        Assert.Equal(0u, (nuint)block % alignment);
        Add(block, bytes);
    }

    private void AllocZeroed(int bytes)
    {
        Note($"zeroed {bytes}");
        byte* block = (byte*)Heap.AllocZeroed((nuint)bytes);
        Assert.False(new ReadOnlySpan<byte>(block, bytes).ContainsAnyExcept((byte)0), $"A zeroed block of {bytes} bytes is not zero.");
        Add(block, bytes);
    }

    private void AllocBulk(int bytes, int count)
    {
        Note($"bulk {count} × {bytes}");
        nint[] blocks = new nint[count];
        Heap.AllocBulk((nuint)bytes, blocks);
        foreach (nint block in blocks)
        {
            Add((byte*)block, bytes);
        }
    }

    private void FreeBulk(int count)
    {
        nint[] blocks = [.. _live.Keys.Take(count)];
        Note($"free {blocks.Length} lowest");
        foreach (nint block in blocks)
        {
            Check(block);
            _live.Remove(block);
        }

        Heap.FreeBulk(blocks);
    }

    private void Trim(uint how)
    {
        Note($"trim {how}");
        switch (how)
        {
            case 0:
                fixture.Runtime.Trim();
                break;
            case 1:
                fixture.Runtime.TrimIdle();
                break;
            case 2:
                Heap.Trim();
                break;
            default:
                fixture.Runtime.Validate();
                break;
        }
    }

    private nint Pick(uint argument) => _live.Keys.ElementAt((int)(argument % (uint)_live.Count));

    private void Check(nint block) => AssertStamped((byte*)block, _live[block].Bytes, _live[block].Stamp);

    private static void Stamp(byte* block, int bytes, int stamp)
    {
        for (int i = 0; i < bytes; i += StepOf(i))
        {
            block[i] = (byte)(stamp + (i * 7));
        }

        if (bytes > 0)
        {
            block[bytes - 1] = (byte)(stamp + ((bytes - 1) * 7));
        }
    }

    private static void AssertStamped(byte* block, int bytes, int stamp)
    {
        for (int i = 0; i < bytes; i += StepOf(i))
        {
            Assert.True(block[i] == (byte)(stamp + (i * 7)), $"Byte {i} of 0x{(nint)block:x} was changed by somebody else.");
        }
    }

    // Every byte at first, then one a line.
    private static int StepOf(int offset) => offset < 256 ? 1 : 61;
}
