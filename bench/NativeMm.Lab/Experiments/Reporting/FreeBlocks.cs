using NativeMm.Frames;
using NativeMm.Lab.Experiments.Frames;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Reporting;

/// <summary>
/// A zone in which every second block of 64 KiB is free, so that none can merge with its neighbour, and nobody has reported any. No page of
/// it is ever touched: the largest is 32 GiB of addresses, and its descriptors alone (512 MiB) are resident.
/// </summary>
internal sealed class FreeBlocks : IDisposable
{
    /// <summary>
    /// 64 KiB: the smallest blocks whose return the lock-free allocator remembers. With the default of 2 MiB the largest zone would be 1 TiB
    /// of addresses and 2 GiB of resident descriptors; what a scheme does for a block does not depend on its size.
    /// </summary>
    public static readonly Order Order = new(4);

    private readonly Pfn[] _blocks;

    private FreeBlocks(FrameZone zone, int count)
    {
        Zone = zone;
        _blocks = new Pfn[count];
        CommitDescriptors();
    }

    /// <summary>The zone.</summary>
    public FrameZone Zone { get; }

    /// <summary>How many blocks are free after <see cref="Lay"/>.</summary>
    public int Count => _blocks.Length;

    /// <summary>The free blocks, in the order of their addresses.</summary>
    public ReadOnlySpan<Pfn> Blocks => _blocks;

    /// <summary>Reserves the zone.</summary>
    public static FreeBlocks Create(int count) => new(FrameZones.Create(2UL * (ulong)count * Order.Bytes), count);

    /// <summary>Takes all blocks of the zone and puts every second one back.</summary>
    public void Lay(IFrameAllocator allocator)
    {
        var all = new Pfn[2 * _blocks.Length];
        int got = allocator.AllocateBulk(Order, FrameFlags.None, all);
        if (got != all.Length)
        {
            throw new InsufficientMemoryException($"The zone gave {got} blocks of {all.Length}.");
        }

        Array.Sort(all);
        for (int i = 0; i < _blocks.Length; i++)
        {
            _blocks[i] = all[2 * i];
        }

        allocator.FreeBulk(_blocks, Order);
    }

    /// <summary>Takes the free blocks, so that no scheme can believe any longer that they are reported.</summary>
    public void Take(IFrameAllocator allocator)
    {
        int got = allocator.AllocateBulk(Order, FrameFlags.None, _blocks);
        if (got != _blocks.Length)
        {
            throw new InsufficientMemoryException($"{got} of {_blocks.Length} blocks are free.");
        }

        // Whatever the allocator's order is, the blocks go back first to last.
        Array.Sort(_blocks);
    }

    /// <summary>Puts them back, unreported.</summary>
    public void PutBack(IFrameAllocator allocator)
    {
        foreach (Pfn block in _blocks)
        {
            allocator.Free(block, Order);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Zone.Dispose();

    // Whoever isolates the first blocks would otherwise meet a page fault for each fourth of them, and be measured with it.
    private void CommitDescriptors()
    {
        if (!Zone.TryOpen(Zone.FrameCount))
        {
            throw new OutOfMemoryException($"The system refuses {Zone.Bytes} bytes: {Zone.Refusal}.");
        }

        for (uint frame = 0; frame < Zone.FrameCount; frame += Order.Frames)
        {
            Zone.Descriptor(new Pfn(frame)).Owner = FrameOwner.None;
        }
    }
}
