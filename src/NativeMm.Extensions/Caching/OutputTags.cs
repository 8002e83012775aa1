// Purpose      evictions by tag, without a list of the keys under each tag: such lists grow with the cache, on the managed heap.
// States       every eviction has a number. An entry has that of the last eviction before it was set, and the hashes of its tags; a tag that was evicted
//              has the number of its last eviction. An entry is valid unless one of its tags has a higher number, or _floor is higher.
// Ordering     [O1] Head makes the end of its entry known before it reads the number; [O2] Evict takes its number before it reads the ends. So an eviction that
//              hides an entry knows how long it has to be remembered for.
// Progress     reads take no lock. What has no entry any more to hide is forgotten when there are many; beyond TagsMax all that is older goes at once.
// Hashes       of two tags of one hash each evicts the other's entries too: a response is made once more than needed, for one tag in four billion.

using System.Buffers.Binary;
using System.Collections.Concurrent;
using NativeMm.Primitives;

namespace NativeMm.Extensions;

/// <summary>The tags of an output cache. Thread-safe.</summary>
/// <param name="tagsMax">So many evicted tags are remembered at most.</param>
internal sealed class OutputTags(int tagsMax = OutputTags.TagsMax)
{
    /// <summary>The default: some megabytes.</summary>
    public const int TagsMax = 65_536;

    private const int NumberBytes = sizeof(ulong);
    private const int HashBytes = sizeof(int);
    private const int FixedBytes = NumberBytes + sizeof(int);
    private const int ForgetFrom = 64;

    private readonly ConcurrentDictionary<int, (ulong Number, long Until)> _evicted = new();
    private ulong _number;
    private ulong _floor;
    private long _lastEnd;
    private int _forgetAt = ForgetFrom;

    /// <summary>Evicted tags that are remembered.</summary>
    public int Count => _evicted.Count;

    /// <summary>What lies before a response: the number, how many tags there are, and their hashes.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="now">The time.</param>
    /// <param name="validFor">How long the entry lives.</param>
    /// <exception cref="ArgumentException">One of the tags is null.</exception>
    public byte[] Head(ReadOnlySpan<string> tags, DateTimeOffset now, TimeSpan validFor)
    {
        byte[] head = new byte[FixedBytes + (tags.Length * HashBytes)];
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(NumberBytes), tags.Length);
        for (int i = 0; i < tags.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(
                head.AsSpan(FixedBytes + (i * HashBytes)), HashOf(tags[i] ?? throw new ArgumentException("A tag is null.", nameof(tags))));
        }

        if (tags.Length != 0)
        {
            // The cache counts in milliseconds, rounded up.
            Raise(ref _lastEnd, long.Min(validFor.Ticks, DateTimeOffset.MaxValue.UtcTicks - now.UtcTicks) + now.UtcTicks + TimeSpan.TicksPerMillisecond);
        }

        // [O1] pairs with [O2]; the exchange before it is a fence.
        BinaryPrimitives.WriteUInt64LittleEndian(head, Atomic.LoadAcquire(in _number));
        return head;
    }

    /// <summary>Whether no tag of an entry was evicted since it was set.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="headBytes">Where its response begins.</param>
    public bool IsValid(ReadOnlySpan<byte> entry, out int headBytes)
    {
        int count = BinaryPrimitives.ReadInt32LittleEndian(entry[NumberBytes..]);
        headBytes = FixedBytes + (count * HashBytes);
        if (count == 0)
        {
            return true;
        }

        ulong number = BinaryPrimitives.ReadUInt64LittleEndian(entry);
        for (int at = FixedBytes; at < headBytes; at += HashBytes)
        {
            if (_evicted.TryGetValue(BinaryPrimitives.ReadInt32LittleEndian(entry[at..]), out (ulong Number, long Until) last) && last.Number > number)
            {
                return false;
            }
        }

        // After the tags: they are forgotten once the floor has taken their place.
        return number >= Atomic.LoadAcquire(in _floor);
    }

    /// <summary>Hides the entries under a tag that were set before this call.</summary>
    /// <param name="tag">The tag.</param>
    /// <param name="now">The time.</param>
    public void Evict(string tag, DateTimeOffset now)
    {
        ulong number = Atomic.Add(ref _number, 1UL);
        long until = Atomic.LoadAcquire(in _lastEnd); // [O2] pairs with [O1]; the addition is a fence.
        _evicted.AddOrUpdate(
            HashOf(tag),
            static (_, made) => made,
            static (_, seen, made) => (ulong.Max(seen.Number, made.Number), long.Max(seen.Until, made.Until)),
            (Number: number, Until: until));
        if (_evicted.Count >= Atomic.LoadAcquire(in _forgetAt))
        {
            Forget(now.UtcTicks);
        }
    }

    private static int HashOf(string tag) => tag.GetHashCode(StringComparison.Ordinal);

    private void Forget(long now)
    {
        foreach (KeyValuePair<int, (ulong Number, long Until)> one in _evicted)
        {
            if (one.Value.Until <= now)
            {
                // Only as it was seen: it may be evicted anew at this moment.
                _evicted.TryRemove(one);
            }
        }

        if (_evicted.Count >= tagsMax)
        {
            ulong floor = Atomic.Add(ref _number, 1UL);
            ulong seen;
            do
            {
                seen = Atomic.LoadAcquire(in _floor);
            }
            while (seen < floor && !Atomic.CompareExchange(ref _floor, seen, floor));
            foreach (KeyValuePair<int, (ulong Number, long Until)> one in _evicted)
            {
                if (one.Value.Number <= floor)
                {
                    _evicted.TryRemove(one);
                }
            }
        }

        Atomic.StoreRelease(ref _forgetAt, int.Max(ForgetFrom, int.Min(2 * _evicted.Count, tagsMax)));
    }

    private static void Raise(ref long word, long value)
    {
        long seen;
        do
        {
            seen = Atomic.LoadAcquire(in word);
        }
        while (!Atomic.CompareExchange(ref word, seen, long.Max(seen, value)));
    }
}
