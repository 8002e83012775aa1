using NativeMm.Caching;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>
/// Entries of a cache under keys that only the owner sets, and a hand in those that all set. An entry may be gone at any moment; one that is there has the value
/// that was set last. Values of the keys of all say themselves what must be in them.
/// </summary>
internal sealed class CacheHolding : Holding
{
    /// <summary>Bytes of the longest value.</summary>
    public const int ValueBytesMax = 3 << 20;

    private const int KeysMax = 24;
    private const int CommonKeys = 64;
    private const int StampBytes = sizeof(ulong);

    private readonly NativeCache _cache;
    private readonly Entry[] _entries;

    private CacheHolding(NativeCache cache, Owner owner, int count)
    {
        _cache = cache;
        _entries = [.. Enumerable.Range(0, count).Select(i => new Entry(((ulong)owner.Number << 8) + (ulong)i))];
    }

    public static CacheHolding Make(NativeCache cache, Owner owner, Chance chance)
    {
        owner.Kind = "entry of a cache";
        var holding = new CacheHolding(cache, owner, chance.Between(1, KeysMax));
        foreach (Entry entry in holding._entries)
        {
            holding.Set(entry, owner, chance);
        }

        return holding;
    }

    /// <inheritdoc/>
    public override void Check(Owner owner, bool whole, Chance chance)
    {
        foreach (Entry entry in _entries)
        {
            Check(entry, chance.Below(whole ? 4 : 12), owner, chance);
        }

        CheckCommon(owner, chance);
    }

    /// <inheritdoc/>
    public override void End(Owner owner, Chance chance)
    {
        foreach (Entry entry in _entries)
        {
            CheckLease(entry, owner);
            Remove(entry, owner);
        }
    }

    private static ReadOnlySpan<byte> Key(ulong key, Span<byte> room)
    {
        BitConverter.TryWriteBytes(room, key);
        return room;
    }

    private void Check(Entry entry, int what, Owner owner, Chance chance)
    {
        switch (what)
        {
            case 0:
                CheckCopy(entry, owner);
                break;
            case 1 or 2:
                CheckLease(entry, owner);
                break;
            case 3:
                Set(entry, owner, chance);
                break;
            case 4:
                Remove(entry, owner);
                break;
            case 5:
                _cache.Refresh(Key(entry.Key, stackalloc byte[StampBytes]));
                break;
        }
    }

    private void Set(Entry entry, Owner owner, Chance chance)
    {
        byte[] value = new byte[chance.OneIn(200) ? chance.Between(1 << 16, ValueBytesMax) : chance.OneIn(4) ? Sizes.Small(chance) : chance.Below(300)];
        entry.Stamp = owner.NextStamp();
        Pattern.Fill(value, entry.Stamp);
        entry.Length = _cache.Set(Key(entry.Key, stackalloc byte[StampBytes]), value, AnyOptions(chance)) ? value.Length : Entry.Nothing;
    }

    private void Remove(Entry entry, Owner owner)
    {
        ReadOnlySpan<byte> key = Key(entry.Key, stackalloc byte[StampBytes]);
        bool removed = _cache.Remove(key);
        if ((removed && entry.Length == Entry.Nothing) || _cache.Contains(key))
        {
            throw new FindingException(owner.ToString(), 0, $"no entry of key {entry.Key:x}", removed ? "one to remove" : "one after it was removed");
        }

        entry.Length = Entry.Nothing;
    }

    private void CheckCopy(Entry entry, Owner owner)
    {
        byte[] found = new byte[Math.Max(entry.Length, 0)];
        if (_cache.TryGet(Key(entry.Key, stackalloc byte[StampBytes]), found, out int length))
        {
            CheckValue(entry, found.AsSpan(0, length), owner);
        }
        else if (length != 0)
        {
            throw new FindingException(owner.ToString(), 0, $"at most {entry.Length} bytes under key {entry.Key:x}", $"{length}");
        }
    }

    private void CheckLease(Entry entry, Owner owner)
    {
        if (_cache.TryGet(Key(entry.Key, stackalloc byte[StampBytes]), out CacheLease lease))
        {
            using (lease)
            {
                CheckValue(entry, lease.Span, owner);
            }
        }
    }

    private static void CheckValue(Entry entry, ReadOnlySpan<byte> found, Owner owner)
    {
        if (found.Length != entry.Length)
        {
            throw new FindingException(owner.ToString(), 0, $"{entry.Length} bytes under key {entry.Key:x}", $"{found.Length}");
        }

        Pattern.Check(found, entry.Stamp, $"{owner}, key {entry.Key:x}");
    }

    /// <summary>Two threads may set, remove and read the same one of these at once.</summary>
    private void CheckCommon(Owner owner, Chance chance)
    {
        ReadOnlySpan<byte> key = Key((ulong)chance.Below(CommonKeys), stackalloc byte[StampBytes]);
        switch (chance.Below(4))
        {
            case 0:
                byte[] value = new byte[StampBytes + (chance.OneIn(8) ? Sizes.Small(chance) : chance.Below(300))];
                ulong stamp = owner.NextStamp();
                BitConverter.TryWriteBytes(value, stamp);
                Pattern.Fill(value.AsSpan(StampBytes), stamp);
                _cache.Set(key, value, AnyOptions(chance));
                break;
            case 1 when chance.OneIn(4):
                _cache.Remove(key);
                break;
            default:
                if (_cache.TryGet(key, out CacheLease lease))
                {
                    using (lease)
                    {
                        Pattern.Check(lease.Span[StampBytes..], BitConverter.ToUInt64(lease.Span), $"{owner}, a key of all");
                    }
                }

                break;
        }
    }

    private static CacheEntryOptions AnyOptions(Chance chance) => new()
    {
        Priority = chance.OneIn(50) ? CachePriority.NeverRemove : (CachePriority)chance.Between((int)CachePriority.Low, (int)CachePriority.High),
        SlidingExpiration = chance.OneIn(4) ? TimeSpan.FromMilliseconds(chance.Between(1, 2000)) : null,
        AbsoluteExpirationRelativeToNow = chance.OneIn(4) ? TimeSpan.FromMilliseconds(chance.Between(1, 4000)) : null,
    };

    private sealed class Entry(ulong key)
    {
        public const int Nothing = -1;

        public ulong Key => key;

        public ulong Stamp { get; set; }

        public int Length { get; set; } = Nothing;
    }
}
