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
    private const int Owned = 1;
    private const int Addressed = 2;

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
        _state = Owned;
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
    public bool IsRented => Atomic.LoadAcquire(ref _state) != Idle;

    /// <summary>Marks it as handed out, with this object as its owner. By the one who took it off a list.</summary>
    public void BeginRent() => Atomic.StoreRelease(ref _state, Owned);

    /// <summary>Marks it as handed out by its address: no owner, of an earlier rent or of none, ends that. By the one who rents it, before anybody sees it.</summary>
    public void KnowByAddress() => Atomic.StoreRelease(ref _state, Addressed);

    /// <summary>Marks it as returned; false when it is not rented in that way.</summary>
    /// <param name="byAddress">Whether it comes back by its address.</param>
    public bool TryEndRent(bool byAddress) => Atomic.CompareExchange(ref _state, byAddress ? Addressed : Owned, Idle);

    /// <summary>Returns it. Returned already, it does nothing and is counted.</summary>
    public void Dispose() => (_unpooled ?? Slab!.Class.Store).Return(this);
}
