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
        LocalHead head;
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        using (stripe.Lock.EnterScope())
        {
            stripe.Outdate(key);
            head = new LocalHead(_versions.Next(), lifetime, Now + FreshFor(lifetime), IsPending: false, IsRemoved: false);
            if (asks)
            {
                Put(name.Bytes, head, kept);
                stripe.BeginWrite(key, head.Version);
            }
            else
            {
                PutPending(name.Bytes, head, kept);
            }
        }

        if (!asks)
        {
            Tier.Counts.AddRejected();
            NotePending(key, head.Version);
            return Task.CompletedTask;
        }

        TierRecord.Seal(name.Bytes, record, head.Version, lifetime, _writer);
        return WriteThroughAsync(key, stripe, head, record);
    }

    /// <summary>Removes an entry here, and then there. The task never fails.</summary>
    public async Task RemoveAsync(string key)
    {
        TierStripe stripe = StripeOf(key);
        bool asks = Tier.WouldAsk;
        LocalHead head = Tombstone(key, stripe, asks);
        if (!asks)
        {
            Tier.Counts.AddRejected();
            Stale(key, stripe, head, default);
            return;
        }

        try
        {
            if (await Tier.RemoveAsync(key).ConfigureAwait(false) == TierReply.Done)
            {
                ForgetPending(key, head.Version);
                Confirm(key, stripe, head, default);
            }
            else
            {
                Stale(key, stripe, head, default);
            }
        }
        finally
        {
            EndWrite(key, stripe);
        }
    }

    /// <summary>Renews a sliding entry here and there. The task never fails.</summary>
    public async Task RefreshAsync(string key)
    {
        RefreshHere(key);
        await Tier.RefreshAsync(key).ConfigureAwait(false);
    }

    private void EndWrite(string key, TierStripe stripe)
    {
        using SleepLock.Scope scope = stripe.Lock.EnterScope();
        NoteUnsure(key, stripe.EndWrite(key));
    }

    private void RefreshHere(string key)
    {
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        _local.Refresh(name.Bytes);
    }

    private LocalHead Tombstone(string key, TierStripe stripe, bool asks)
    {
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        using SleepLock.Scope scope = stripe.Lock.EnterScope();
        stripe.Outdate(key);
        var head = new LocalHead(_versions.Next(), default, long.MaxValue, IsPending: true, IsRemoved: true);
        Put(name.Bytes, head, default);
        if (asks)
        {
            stripe.BeginWrite(key, head.Version);
        }

        return head;
    }

    private async Task WriteThroughAsync(string key, TierStripe stripe, LocalHead head, byte[] record)
    {
        try
        {
            TierReply reply = await Tier.WriteAsync(key, record, head.Lifetime, TimeSpan.FromMilliseconds(FreshFor(head.Lifetime))).ConfigureAwait(false);
            if (reply == TierReply.Failed)
            {
                Stale(key, stripe, head, record.AsMemory(TierRecord.HeadBytes));
            }
            else
            {
                ForgetPending(key, head.Version);
            }
        }
        finally
        {
            EndWrite(key, stripe);
        }
    }

    /// <summary>
    /// The tier has not got a write: if it is still the last one, it is not fresh any more, and the next read that may ask the tier finds out that it is behind. One
    /// that is not here, because it was too long, had to go or is over, leaves a removal: what the tier has instead is older.
    /// </summary>
    private void Stale(string key, TierStripe stripe, LocalHead head, ReadOnlyMemory<byte> value)
    {
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        using (stripe.Lock.EnterScope())
        {
            try
            {
                bool isHere = TryReadHead(name.Bytes, out LocalHead there);
                if (isHere && there.Version != head.Version)
                {
                    return;
                }

                PutPending(name.Bytes, isHere ? head : head.ToRemoval(), isHere ? value : default);
            }
            catch (ObjectDisposedException)
            {
                // The cache ended meanwhile; with it ends what it would have told the tier later.
                return;
            }
        }

        NotePending(key, head.Version);
    }
}
