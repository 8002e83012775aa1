using System.Buffers;
using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Slabs;

/// <summary>
/// One block, and the owner that a rent of it hands out: a piece of a pinned managed array. Whoever has it disposes it once. Thread-safe.
/// </summary>
internal sealed class SlabBlock : IMemoryOwner<byte>
{
    private const int Idle = 0;
    private const int Rented = 1;

    private readonly SlabStore? _unpooled;
    private int _state;

    /// <summary>A block of a slab.</summary>
    public SlabBlock(Slab slab, int index)
    {
        Slab = slab;
        Index = index;
        Memory = MemoryMarshal.CreateFromPinnedArray(slab.Array, slab.Offset + (index * slab.BlockBytes), slab.BlockBytes);
    }

    /// <summary>An array that is too large to be pooled.</summary>
    public SlabBlock(SlabStore store, byte[] array)
    {
        _unpooled = store;
        Memory = MemoryMarshal.CreateFromPinnedArray(array, 0, array.Length);
        _state = Rented;
    }

    /// <summary>Where it lies; null for an array that is not pooled.</summary>
    public Slab? Slab { get; }

    /// <summary>Its number in the slab.</summary>
    public int Index { get; }

    /// <inheritdoc/>
    public Memory<byte> Memory { get; }

    /// <summary>The pass in which it was returned. Written by who returns it, read under the locks of those who keep it.</summary>
    public int IdleSince { get; set; }

    /// <summary>What the checked mode knows of the rent that is over, or of one that is known by its address alone. Never one that the collector watches.</summary>
    public CheckedSlabOwner? LastRent { get; set; }

    /// <summary>Whether it is in the hands of the program.</summary>
    public bool IsRented => Atomic.LoadAcquire(ref _state) == Rented;

    /// <summary>Marks it as handed out. By the one who took it off a list.</summary>
    public void BeginRent() => Atomic.StoreRelease(ref _state, Rented);

    /// <summary>Marks it as returned; false when it was.</summary>
    public bool TryEndRent() => Atomic.CompareExchange(ref _state, Rented, Idle);

    /// <summary>Returns it. Returned already, it does nothing and is counted.</summary>
    public void Dispose() => (_unpooled ?? Slab!.Class.Store).Return(this);
}
