using System.Buffers;
using NativeMm.Primitives;

namespace NativeMm.Extensions;

internal sealed partial class TieredCache
{
    /// <summary>Sets an entry here, and then there. The task never fails.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value; copied before this returns.</param>
    /// <param name="lifetime">When it ends.</param>
    public Task SetAsync(string key, in ReadOnlySequence<byte> value, EntryLifetime lifetime)
    {
        byte[] record = TierRecord.Begin(in value);
        ReadOnlyMemory<byte> kept = record.AsMemory(TierRecord.HeadBytes);
        TierStripe stripe = StripeOf(key);
        bool asks = Tier.WouldAsk;
        bool isKept;
        LocalHead head;
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        using (stripe.Lock.EnterScope())
        {
            stripe.Outdate(key);
            head = new LocalHead(_versions.Next(), lifetime, asks ? Now + FreshFor(lifetime) : 0, IsPending: !asks, IsRemoved: false);
            isKept = Put(name.Bytes, head, kept);
        }

        if (!asks)
        {
            Tier.Counts.AddRejected();
            NotePending(key);
            return Task.CompletedTask;
        }

        TierRecord.Seal(name.Bytes, record, head.Version, lifetime);
        return WriteThroughAsync(key, stripe, head, record, isKept);
    }

    /// <summary>Removes an entry here, and then there. The task never fails.</summary>
    public async Task RemoveAsync(string key)
    {
        TierStripe stripe = StripeOf(key);
        bool asks = Tier.WouldAsk;
        LocalHead head = Tombstone(key, stripe);
        if (!asks)
        {
            Tier.Counts.AddRejected();
        }

        if (asks && await Tier.RemoveAsync(key).ConfigureAwait(false) == TierReply.Done)
        {
            Confirm(key, stripe, head, default);
            return;
        }

        // Not fresh any more: the next read asks the tier, and finds out that it is behind.
        Stale(key, stripe, head, default);
    }

    /// <summary>Renews a sliding entry here and there. The task never fails.</summary>
    public async Task RefreshAsync(string key)
    {
        RefreshHere(key);
        await Tier.RefreshAsync(key).ConfigureAwait(false);
    }

    private void RefreshHere(string key)
    {
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        _local.Refresh(name.Bytes);
    }

    private LocalHead Tombstone(string key, TierStripe stripe)
    {
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        using SleepLock.Scope scope = stripe.Lock.EnterScope();
        stripe.Outdate(key);
        var head = new LocalHead(_versions.Next(), default, long.MaxValue, IsPending: true, IsRemoved: true);
        Put(name.Bytes, head, default);
        return head;
    }

    private async Task WriteThroughAsync(string key, TierStripe stripe, LocalHead head, byte[] record, bool isKept)
    {
        TierReply reply = await Tier.WriteAsync(key, record, head.Lifetime, TimeSpan.FromMilliseconds(FreshFor(head.Lifetime))).ConfigureAwait(false);
        if (!isKept)
        {
            // It lives there alone. What a read brought meanwhile may be older.
            Drop(key, stripe);
        }
        else if (reply == TierReply.Failed)
        {
            Stale(key, stripe, head, record.AsMemory(TierRecord.HeadBytes));
        }
    }

    /// <summary>The tier has not got a write: if it is still the last one, the next read that may ask the tier repairs it.</summary>
    private void Stale(string key, TierStripe stripe, LocalHead head, ReadOnlyMemory<byte> value)
    {
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        using (stripe.Lock.EnterScope())
        {
            if (!TryReadHead(name.Bytes, out LocalHead there) || there.Version != head.Version)
            {
                return;
            }

            Put(name.Bytes, head with { IsPending = true, FreshUntil = 0 }, value);
        }

        NotePending(key);
    }

    private void Drop(string key, TierStripe stripe)
    {
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        using SleepLock.Scope scope = stripe.Lock.EnterScope();
        stripe.Outdate(key);
        _local.Remove(name.Bytes);
    }
}
