using System.Numerics;
using NativeMm.Diagnostics;

namespace NativeMm.Heap;

/// <summary>
/// Where slabs of one class ended lately. A new slab that begins at such a place finds the pages that blocks of its size touch, where one that
/// begins anywhere else makes the operating system find other pages. It is a memory and no claim: the frames are free, and whoever takes them
/// first has them. Guarded by the lock of its <see cref="Depot"/>.
/// </summary>
/// <remarks>A ring: what does not fit makes the oldest forgotten.</remarks>
internal struct SlabPlaces
{
    /// <summary>Most places that are remembered: 1 GiB of the smallest slabs.</summary>
    public const int RoomMax = 16 << 10;

    private const int RoomMin = 8;

    private uint[]? _granules;
    private int _next;
    private int _low;

    /// <summary>Places that are remembered.</summary>
    public int Count { get; private set; }

    private readonly int Mask => _granules!.Length - 1;

    /// <summary>How long a ring a class with so many slabs should have; 0 when the one it has will do.</summary>
    public readonly int RoomFor(int slabs)
    {
        int room = _granules?.Length ?? 0;
        return slabs < room || room == RoomMax ? 0 : Math.Clamp((int)BitOperations.RoundUpToPowerOf2((uint)slabs + 1), RoomMin, RoomMax);
    }

    /// <summary>Goes over to a larger ring. What was remembered is forgotten: a class that grows has used it up.</summary>
    /// <param name="room">As long as <see cref="RoomFor"/> said, made without the lock; or null.</param>
    public void Use(uint[]? room)
    {
        if (room is not null && room.Length > (_granules?.Length ?? 0))
        {
            this = new SlabPlaces { _granules = room };
        }
    }

    /// <summary>Remembers where a slab was.</summary>
    public void Push(uint granule)
    {
        if (_granules is not null)
        {
            _granules[_next++ & Mask] = granule;
            Count = Math.Min(Count + 1, _granules.Length);
            Invariant.Assert(BitOperations.IsPow2(_granules.Length), $"Places for {_granules.Length} slabs are no power of two.");
        }
    }

    /// <summary>The newest place, which is forgotten.</summary>
    public bool TryPop(out uint granule)
    {
        granule = Slab.None;
        if (Count == 0)
        {
            return false;
        }

        Invariant.Assert(_granules is not null && Count <= _granules.Length && _low <= Count, $"{Count} places are remembered, of which {_low} rested.");
        granule = _granules![--_next & Mask];
        Count--;
        _low = Math.Min(_low, Count);
        return true;
    }

    /// <summary>A trim pass: forgets the places that nobody came back to since the last one.</summary>
    public void Age()
    {
        Invariant.Assert(_low >= 0 && _low <= Count, $"Of {Count} places {_low} rested.");
        Count -= _low;
        _low = Count;
    }
}
