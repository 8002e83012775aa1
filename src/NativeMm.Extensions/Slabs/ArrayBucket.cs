using System.Numerics;
using System.Runtime.InteropServices;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Slabs;

/// <summary>The idle arrays of one length: a stack for each core before a common one, newest on top. Thread-safe.</summary>
internal sealed class ArrayBucket
{
    /// <summary>From this length on an array is pinned, and its pages go back; a shorter one has hardly a whole page.</summary>
    public const int PinnedBytesMin = 16 << 10;

    private const int StripeBytes = 256 << 10;
    private const int StripeMax = 32;
    private const int IdleRoomMax = 1024;

    private readonly int _length;
    private readonly ArrayStack[] _stripes;
    private readonly ArrayStack _common = new(int.MaxValue);

    // What a pass has in its hands. Nobody else has it: a rent meanwhile makes a new array.
    private readonly List<IdleArray> _idle = [];

    /// <summary>Makes an empty bucket.</summary>
    /// <param name="length">Length of its arrays.</param>
    public ArrayBucket(int length)
    {
        _length = length;
        _stripes = new ArrayStack[(int)BitOperations.RoundUpToPowerOf2((uint)int.Min(Environment.ProcessorCount, 64))];
        for (int i = 0; i < _stripes.Length; i++)
        {
            _stripes[i] = new ArrayStack(int.Clamp(StripeBytes / length, 1, StripeMax));
        }
    }

    /// <summary>Whether anything lies here.</summary>
    public bool IsEmpty => _common.Count == 0 && _stripes.All(stripe => stripe.Count == 0);

    /// <summary>Bytes of what lies here.</summary>
    public long IdleBytes => (_common.Count + _stripes.Sum(stripe => (long)stripe.Count)) * _length;

    private ArrayStack Stripe => _stripes[CoreId.CurrentHint.Value & (_stripes.Length - 1)];

    /// <summary>Rents and returns so far. Exact at rest.</summary>
    public (long Rents, long Returns) Counts
    {
        get
        {
            (long Rents, long Returns) sum = default;
            foreach (ArrayStack stripe in _stripes)
            {
                (long rents, long returns) = stripe.Counts;
                sum = (sum.Rents + rents, sum.Returns + returns);
            }

            return sum;
        }
    }

    /// <summary>Length of the arrays.</summary>
    public int Length => _length;

    /// <summary>Takes an array, or makes one, and counts a rent.</summary>
    /// <param name="isNew">Whether it has no memory behind it yet, or no longer.</param>
    public byte[] Rent(out bool isNew)
    {
        if (Stripe.Rent(out IdleArray idle) || _common.TryPop(out idle) || TryPopOfOthers(out idle))
        {
            isNew = !idle.IsResident;
            return idle.Array;
        }

        isNew = true;
        try
        {
            return GC.AllocateUninitializedArray<byte>(_length, pinned: _length >= PinnedBytesMin);
        }
        catch (OutOfMemoryException)
        {
            CountReturn();
            throw;
        }
    }

    /// <summary>Counts the return of an array that is not kept: it is left to the collector.</summary>
    public void CountReturn() => Stripe.CountReturn();

    /// <summary>An array of another core is still better than a new one.</summary>
    private bool TryPopOfOthers(out IdleArray idle)
    {
        foreach (ArrayStack stripe in _stripes)
        {
            if (stripe.Count != 0 && stripe.TryPop(out idle))
            {
                return true;
            }
        }

        idle = default;
        return false;
    }

    /// <summary>Counts a return and keeps the array; false when there is no managed memory to note it, and it is left to the collector.</summary>
    public bool Return(byte[] array, int now)
    {
        var idle = new IdleArray(array, now, IsResident: true);
        return Stripe.Return(idle) || _common.TryPush(idle);
    }

    /// <summary>
    /// Gives the pages of what has lain for long enough back, and leaves what has no memory any more to the collector. Never throws. Under the pool's lock.
    /// </summary>
    /// <returns>Bytes given back, or left to the collector; each array counts once between two rents.</returns>
    public long Trim(IMemoryPlatform? platform, int now, int age, int dropAge)
    {
        List<IdleArray> idle = _idle;
        foreach (ArrayStack stripe in _stripes)
        {
            stripe.TakeIdle(now, age, idle);
        }

        _common.TakeIdle(now, age, idle);
        long bytes = 0;
        int kept = 0;
        foreach (IdleArray entry in CollectionsMarshal.AsSpan(idle))
        {
            bool canDiscard = _length >= PinnedBytesMin && platform is not null;
            bool isResident = entry.IsResident && !(canDiscard && TryDiscard(entry.Array, platform!));
            if (canDiscard && entry.IdleSince > now - dropAge)
            {
                idle[kept++] = entry with { IsResident = isResident };
                bytes += entry.IsResident && !isResident ? _length : 0;
            }
            else
            {
                // Left to the collector, with what memory it has.
                bytes += entry.IsResident ? _length : 0;
            }
        }

        idle.RemoveRange(kept, idle.Count - kept);
        if (kept != 0 && !_common.TryPushOldest(CollectionsMarshal.AsSpan(idle)))
        {
            bytes += idle.Count(entry => entry.IsResident) * (long)_length;
        }

        // The room stays for the next pass, unless there is much of it.
        idle.Clear();
        if (idle.Capacity > IdleRoomMax)
        {
            idle.Capacity = 0;
        }

        return bytes;
    }

    /// <summary>Gives the whole pages of an array back. What another maker's array does to be here, the pool accepts as the framework's does; it is held in place.</summary>
    private static unsafe bool TryDiscard(byte[] array, IMemoryPlatform platform)
    {
        fixed (byte* first = array)
        {
            AddressRange pages = new AddressRange((nuint)first, (nuint)array.Length).WholePages(platform.PageBytes);
            return platform.Discard(pages.Address, pages.Bytes, DiscardMode.Now).Succeeded;
        }
    }
}
