using NativeMm.Lab.Experiments.Heap;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Idle;

/// <summary>Many blocks of mixed sizes, every page of them written. Its own table is written before the base is taken.</summary>
internal sealed class IdleObjects<TAllocator, THandle>
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private const int PageBytes = 4096;
    private const int SizeCount = 1 << 16;
    private const int Seed = 0x1d1e;
    private const double Median = 192;
    private const double Sigma = 1.2;
    private const int SizeMin = 16;
    private const int SizeMax = 64 << 10;

    private readonly THandle[] _blocks;
    private readonly int[] _sizes;
    private int _count;
    private ulong _asked;

    /// <summary>Prepares a set that will hold so many bytes.</summary>
    /// <param name="bytes">Sum of the sizes.</param>
    public IdleObjects(ulong bytes)
    {
        _sizes = ReplacementTables.LogNormal(SizeCount, Seed, Median, Sigma, SizeMin, SizeMax);
        double average = _sizes.Average();
        _blocks = new THandle[(int)(bytes / average * 1.05) + SizeCount];
        Array.Fill(_blocks, default);
        Bytes = bytes;
    }

    /// <summary>Sum of the sizes that are asked for.</summary>
    public ulong Bytes { get; }

    /// <summary>Bytes of the blocks that the allocator has given for them.</summary>
    public ulong UsableBytes { get; private set; }

    private ulong MissingBytes => Bytes - Math.Min(Bytes, _asked);

    /// <summary>Allocates and writes all blocks.</summary>
    public void Allocate()
    {
        while (MissingBytes > 0)
        {
            AllocateNext();
        }
    }

    /// <summary>Allocates and writes all blocks of two sets in one sequence, in which those of each lie anywhere. The same in each run.</summary>
    public static void AllocateMixed(IdleObjects<TAllocator, THandle> few, IdleObjects<TAllocator, THandle> many)
    {
        var random = new Random(Seed);
        while (few.MissingBytes + many.MissingBytes is > 0 and var missing)
        {
            ((ulong)random.NextInt64((long)missing) < few.MissingBytes ? few : many).AllocateNext();
        }
    }

    /// <summary>Frees all blocks.</summary>
    public void Free()
    {
        for (int i = 0; i < _count; i++)
        {
            TAllocator.Free(_blocks[i]);
            _blocks[i] = default;
        }

        _count = 0;
        _asked = 0;
        UsableBytes = 0;
    }

    private void AllocateNext()
    {
        int size = _sizes[_count & (SizeCount - 1)];
        THandle block = TAllocator.Alloc((nuint)size);
        for (int offset = 0; offset < size; offset += PageBytes)
        {
            block.Touch((nuint)offset);
        }

        block.Touch((nuint)size - 1);
        _blocks[_count++] = block;
        _asked += (ulong)size;
        UsableBytes += TAllocator.UsableSize(block);
    }
}
