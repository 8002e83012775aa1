// Purpose      the common stock of one size class of one heap: full batches for threads that trade with each other, and the slabs behind them.
// States       a block of the class is in exactly one of: a slab's bitmap (bit set), a batch here, a thread's magazine, the user's hands.
//              Only the first two are known here; the bit of a block in one of the others is clear.
// Ownership    everything below _lock, except the geometry. Slabs with at least one set bit are listed, the oldest first.
// Equation     slabs × blocks a slab = set bits + blocks in batches + blocks outside (magazines and users).
// Progress     blocking, but no lock and no guard is held over a call to the frame allocator that could wait for anybody: a new slab is made
//              before the lock is taken, at a place remembered under an earlier one: no claim, the frame allocator decides. Lock order: a thread cache's guard → a depot's lock; never two depots.
// Source       depot and magazines: Bonwick and Adams 2001. Out-of-band bitmaps keep free blocks untouched.

using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <summary>The stock of one size class. Thread-safe.</summary>
internal sealed unsafe partial class Depot
{
    // Places that a new slab tries before it lets the frame allocator choose.
    private const int PlacesTried = 8;

    private readonly SlabSpace _space;
    private readonly SizeClass _class;
    private readonly SlabGeometry _geometry;
    private readonly uint _tag;

    private SpinLock<NoLockStatistics> _lock;
    private uint _oldest = Slab.None;
    private uint _newest = Slab.None;

    /// <summary>Where the trim pass that is under way goes on; whoever takes that slab off the list moves it along.</summary>
    private uint _walk = Slab.None;
    private int _batches;
    private int _batchesLow;
    private nuint[]? _stock;
    private int _slabs;
    private SlabPlaces _places;
    private long _setBits;
    private long _slabsFreed;
    private uint _pass = 1;
    private long _acquisitions;
    private long _contentions;

    /// <summary>Makes an empty depot.</summary>
    /// <param name="space">Where slabs live.</param>
    /// <param name="sizeClass">The class.</param>
    /// <param name="tag">The heap's tag.</param>
    public Depot(SlabSpace space, SizeClass sizeClass, uint tag)
    {
        _space = space;
        _class = sizeClass;
        _geometry = SlabGeometry.Of(sizeClass);
        _tag = tag;
    }

    /// <summary>How the class is cut.</summary>
    public ref readonly SlabGeometry Geometry => ref _geometry;

    /// <summary>How often the lock was taken. Read without it, so the newest may be missing.</summary>
    public long Acquisitions => Atomic.LoadAcquire(in _acquisitions);

    /// <summary>Bytes of all slabs, for an estimate: without the lock.</summary>
    public ulong SlabBytes => (ulong)Math.Max(0, Atomic.LoadAcquire(in _slabs)) * _geometry.Frames << Pfn.FrameShift;

    /// <summary>
    /// Whether slabs are sure to become whole when so many more blocks come home, and the batches with them: there are fewer blocks left outside than slabs. An estimate, without
    /// the lock.
    /// </summary>
    public bool WouldFreeSlabs(int blocks)
    {
        long slabs = Atomic.LoadAcquire(in _slabs);
        return (slabs * _geometry.Blocks) - Atomic.LoadAcquire(in _setBits) - ((long)Atomic.LoadAcquire(in _batches) * _geometry.BatchCount) - blocks < slabs;
    }

    /// <summary>Takes blocks out that lie here: full batches, then from the slabs. Asks nobody for frames, so the caller may hold a guard.</summary>
    /// <param name="into">Any number; filled from the front, to be used from the back: lowest addresses last.</param>
    /// <returns>How many; 0 when nothing lies here: <see cref="TryGrow"/> may help.</returns>
    public int Take(Span<nuint> into)
    {
        EnterLock();
        int got = TakeLocked(into);
        _lock.Exit();
        return got;
    }

    /// <summary>Takes one block from a slab, the untouched ones first. The caller holds no guard and no lock.</summary>
    /// <param name="block">Its address.</param>
    /// <param name="knownZero">Whether it reads as zero.</param>
    /// <returns>False when there are no frames left.</returns>
    public bool TryTakeOne(out nuint block, out bool knownZero)
    {
        bool mayHaveMore = true;
        while (!TryTakeOneHere(out block, out knownZero))
        {
            if (!mayHaveMore)
            {
                return false;
            }

            // Without frames it is worth another look all the same: the shrinkers sent blocks home.
            mayHaveMore = TryGrow();
        }

        return true;
    }

    private bool TryTakeOneHere(out nuint block, out bool knownZero)
    {
        EnterLock();
        bool found = TryTakeOneLocked(out block, out knownZero);
        _lock.Exit();
        return found;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EnterLock()
    {
        if (!_lock.TryEnter())
        {
            _lock.Enter();
            _contentions++;
        }

        _acquisitions++;
    }

    private int TakeLocked(Span<nuint> into)
    {
        Invariant.Assert(_lock.IsHeld && (_batches == 0 || _stock is not null), $"A depot gives without its lock, or has {_batches} batches nowhere.");
        int got = 0;
        while (_batches != 0 && into.Length - got >= _geometry.BatchCount)
        {
            _batches--;
            _stock.AsSpan(_batches * _geometry.BatchCount, _geometry.BatchCount).CopyTo(into[got..]);
            got += _geometry.BatchCount;
        }

        if (_batches != 0 && into.Length < _geometry.BatchCount)
        {
            _batches--;
            ReturnLocked(_stock.AsSpan(_batches * _geometry.BatchCount, _geometry.BatchCount));
        }

        _batchesLow = Math.Min(_batchesLow, _batches);
        Invariant.Assert(_batches >= 0 && _batches <= _geometry.StockedBatches, $"A depot has {_batches} batches in stock, of {_geometry.StockedBatches}.");
        return got + GatherLocked(into[got..]);
    }

    private int GatherLocked(Span<nuint> into)
    {
        int got = 0;
        while (got < into.Length && _oldest != Slab.None)
        {
            got += GatherFromSlabLocked(_oldest, into[got..]);
        }

        into[..got].Reverse();
        return got;
    }

    private int GatherFromSlabLocked(uint granule, Span<nuint> into)
    {
        ref Slab slab = ref _space.SlabAt(granule);
        Span<ulong> bitmap = _space.BitmapAt(granule, _geometry.Blocks);
        nuint address = _space.AddressOf(granule);
        nuint blockBytes = _geometry.BlockBytes;
        int word = slab.FirstWord;
        Invariant.Assert(_lock.IsHeld && slab.Listed, $"Slab {granule} gives blocks and is not on the list.");
        Invariant.Assert(slab.FreeCount > 0 && (uint)word < (uint)bitmap.Length, $"Slab {granule} gives blocks and has {slab.FreeCount} from word {word} on.");
        Invariant.Assert(_space.OwnerAt(granule) == (_tag | (uint)_class.Value), $"Slab {granule} gives blocks and is not this depot's.");
        into = into[..Math.Min(into.Length, slab.FreeCount)];
        int got = 0;
        int last = 0;
        while (true)
        {
            ulong bits = bitmap[word];
            nuint wordAddress = address + ((nuint)(word << 6) * blockBytes);
            if (bits == ulong.MaxValue && into.Length - got >= 64)
            {
                // A whole word of free blocks: most of a slab that was just made.
                foreach (ref nuint block in into.Slice(got, 64))
                {
                    block = wordAddress;
                    wordAddress += blockBytes;
                }

                got += 64;
                last = (word << 6) + 63;
                bits = 0;
            }

            while (bits != 0 && got < into.Length)
            {
                int bit = BitOperations.TrailingZeroCount(bits);
                into[got++] = wordAddress + ((nuint)bit * blockBytes);
                last = (word << 6) + bit;
                bits &= bits - 1;
            }

            bitmap[word] = bits;
            if (got == into.Length)
            {
                break;
            }

            word++;
        }

        slab.FirstWord = word;
        Invariant.Assert(got > 0 && last < _geometry.Blocks, $"Slab {granule} gave {got} blocks, the last of them {last} of {_geometry.Blocks}.");
        TakenLocked(ref slab, got, last);
        AssertSlabLocked(granule);
        return got;
    }

    private bool TryTakeOneLocked(out nuint block, out bool knownZero)
    {
        block = 0;
        knownZero = false;
        if (_oldest == Slab.None)
        {
            return false;
        }

        uint granule = _oldest;
        ref Slab slab = ref _space.SlabAt(granule);
        int untouched = slab.Untouched;
        Span<nuint> one = stackalloc nuint[1];
        GatherFromSlabLocked(granule, one);
        block = one[0];
        knownZero = _geometry.BlockAt(block - _space.AddressOf(granule)) >= untouched;
        return true;
    }

    private void TakenLocked(ref Slab slab, int count, int last)
    {
        Invariant.Assert(_lock.IsHeld && count > 0 && count <= slab.FreeCount && count <= _setBits, $"{count} blocks are taken out of {slab.FreeCount}, of {_setBits} in all slabs.");
        slab.FreeCount -= count;
        slab.Untouched = Math.Max(slab.Untouched, last + 1);
        slab.DiscardedAt = -1;
        slab.ChangedAt = _pass;
        _setBits -= count;
        if (slab.FreeCount == 0)
        {
            UnlinkLocked(ref slab);
        }
    }

    /// <summary>Lists a new slab. It asks for frames, and before there are none the shrinkers: the caller holds no guard and no lock.</summary>
    /// <returns>False when there are no frames left.</returns>
    public bool TryGrow()
    {
        if (!TryReturnToPlace(out uint granule, out bool needsStock, out int roomWanted) && !_space.TryAllocateSlab(_class, _tag, out granule))
        {
            return false;
        }

        // Made with the slabs, because nothing may be allocated under the lock, nor when blocks come back.
        nuint[]? stock = needsStock ? TryMake<nuint>(_geometry.StockedBatches * _geometry.BatchCount) : null;
        uint[]? room = roomWanted != 0 ? TryMake<uint>(roomWanted) : null;
        EnterLock();
        _stock ??= stock;
        _places.Use(room);
        _slabs++;
        _setBits += _geometry.Blocks;
        ref Slab slab = ref _space.SlabAt(granule);
        slab.ChangedAt = _pass;
        Invariant.Assert(_space.OwnerAt(granule) == (_tag | (uint)_class.Value) && slab.FreeCount == _geometry.Blocks, $"A new slab at granule {granule} has {slab.FreeCount} of {_geometry.Blocks} blocks, or another owner.");
        LinkNewestLocked(ref slab, granule);
        AssertSlabLocked(granule);
        _lock.Exit();
        return true;
    }

    /// <summary>Makes a slab where one of the class was. A place is only a hint: the frame allocator decides whether its frames are free.</summary>
    /// <param name="granule">First granule of the slab.</param>
    /// <param name="needsStock">Whether there is no room for batches yet.</param>
    /// <param name="roomWanted">How many places there should be room for; 0 when there is enough.</param>
    private bool TryReturnToPlace(out uint granule, out bool needsStock, out int roomWanted)
    {
        int tries = 0;
        bool found;
        do
        {
            EnterLock();
            found = _places.TryPop(out granule);
            needsStock = _stock is null;
            roomWanted = _places.RoomFor(_slabs);
            _lock.Exit();
        }
        while (found && !_space.TryAllocateSlabAt(_class, _tag, granule) && ++tries < PlacesTried);

        return found && tries < PlacesTried;
    }

    /// <summary>Room for batches or places; null without managed memory, and then all blocks go home, or no place is known, until the next slab tries again.</summary>
    private static T[]? TryMake<T>(int length)
    {
        try
        {
            return new T[length];
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    private void LinkNewestLocked(ref Slab slab, uint granule)
    {
        Invariant.Assert(!slab.Listed && slab.FreeCount > 0, $"Slab {granule} is listed with {slab.FreeCount} free blocks.");
        Invariant.Assert((_newest == Slab.None) == (_oldest == Slab.None) && _newest != granule, $"The list of slabs begins at {_oldest} and ends at {_newest}.");
        slab.Listed = true;
        slab.Next = Slab.None;
        slab.Previous = _newest;
        if (_newest == Slab.None)
        {
            _oldest = granule;
        }
        else
        {
            _space.SlabAt(_newest).Next = granule;
        }

        _newest = granule;
    }

    private void UnlinkLocked(ref Slab slab)
    {
        Invariant.Assert(slab.Listed && _oldest != Slab.None, "A slab leaves the list that is not on it.");
        Invariant.Assert((slab.Previous == Slab.None) == Unsafe.AreSame(ref slab, ref _space.SlabAt(_oldest)), "A slab without one before it is not the oldest.");
        slab.Listed = false;
        ref uint toSlab = ref _oldest;
        if (slab.Previous != Slab.None)
        {
            toSlab = ref _space.SlabAt(slab.Previous).Next;
        }

        if (_walk == toSlab)
        {
            _walk = slab.Next;
        }

        toSlab = slab.Next;
        if (slab.Next == Slab.None)
        {
            _newest = slab.Previous;
        }
        else
        {
            _space.SlabAt(slab.Next).Previous = slab.Previous;
        }
    }
}
