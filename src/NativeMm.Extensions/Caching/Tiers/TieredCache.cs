// Purpose      one cache of two tiers: copies in this process before a cache elsewhere, which may fail in every way.
// States       of a key in this process: absent; a copy, fresh or not; a copy whose write the tier has not got (pending); a removal that the tier has not
//              done (pending, removed). Every write has a version; of two entries of a key the one with the larger version is the later one.
// Transitions  absent → copy           a load (TierFlight), one a key at a time, unless the key was written since it began.
//              any → copy              Set; pending when the tier did not take it.
//              any → removed           a write that the tier did not take and whose value is not kept, or no longer: what the tier has is older, and goes.
//              any → removed           Remove, before the tier is told, so that no load brings the entry back meanwhile; removed → absent when it has done it.
//              copy, not fresh → …     a load settles it. The copy is pending, and the tier has an earlier version or none, or an earlier version that this process
//                                      wrote, which came to it late: the tier gets ours (repair). Else what the tier has is in force, also with an earlier version:
//                                      it had ours, so that one is of a machine whose clock is behind; none: absent. No answer: the copy stays, and answers.
//              While a write of the key is on its way what a load brings is no news: the copy stays, and answers. So with a load that began before its end.
// Ownership    the entries of a key change under the lock of its stripe, together with its flight. Reads take no lock. Nothing is awaited under it.
//              What the tier missed is a list of keys and versions under a lock of its own, which is taken last; its count and the time of the last round are hints for
//              who looks without it. A key leaves it when a load or a write has settled it; writes of one key that overlapped enter it, for the tier may
//              have done the latest of them first. A round of
//              repairs belongs to whoever turned its word from 0 to 1 [P1], and ends by 0 [P2], whatever was thrown.
// Progress     reads of fresh copies wait for nobody. Others wait for the tier, for the timeout at most, or not at all while the circuit is open.
// Reuse        a repair or a failed write looks for its own version before it changes the entry: what was written meanwhile stays.

using System.Buffers;
using NativeMm.Caching;
using NativeMm.Primitives;

namespace NativeMm.Extensions;

/// <summary>The cache in this process in front of a second tier. Thread-safe.</summary>
internal sealed partial class TieredCache
{
    private const int Stripes = 64;

    // A removal that the tier has not done is remembered for so long: an entry that it would bring back is hardly alive by then.
    private static readonly TimeSpan s_removalLife = TimeSpan.FromDays(1);

    private readonly NativeCache _local;
    private readonly TimeProvider _time;
    private readonly VersionClock _versions;
    private readonly uint _writer = (uint)Random.Shared.NextInt64(1, 1L << 32);
    private readonly long _freshFor;
    private readonly TierStripe[] _stripes = new TierStripe[Stripes];

    /// <summary>Puts them together.</summary>
    /// <param name="local">The cache in this process; nobody else uses it.</param>
    /// <param name="tier">The second tier.</param>
    /// <param name="options">How long copies are fresh.</param>
    /// <param name="time">Whose clock.</param>
    public TieredCache(NativeCache local, SecondTier tier, NativeDistributedCacheOptions options, TimeProvider time)
    {
        _local = local;
        _time = time;
        _versions = new VersionClock(time);
        _freshFor = (long)options.LocalExpiration.TotalMilliseconds;
        Tier = tier;
        tier.Answered = RepairIfBehind;
        _roundPause = options.CircuitDuration;
        _roundFailuresMax = options.CircuitFailures;
        _roundBegan = time.GetTimestamp();
        for (int i = 0; i < Stripes; i++)
        {
            _stripes[i] = new TierStripe();
        }
    }

    /// <summary>The second tier.</summary>
    public SecondTier Tier { get; }

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Looks in this process.</summary>
    /// <param name="key">The key.</param>
    /// <param name="sink">Gets the value on a hit, and nothing else.</param>
    /// <param name="anyAge">Whether a copy that is not fresh will do. Then the answer is never <see cref="LocalAnswer.Ask"/>.</param>
    public LocalAnswer Look<TSink>(string key, ref TSink sink, bool anyAge = false)
        where TSink : struct, ICacheSink
    {
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        if (!_local.TryGet(name.Bytes, isCall: true, out CacheLease entry))
        {
            return Without(anyAge, LocalAnswer.Miss);
        }

        using (entry)
        {
            var head = LocalHead.Of(in entry);
            if (!IsFresh(head) && Without(anyAge, LocalAnswer.Hit) == LocalAnswer.Ask)
            {
                return LocalAnswer.Ask;
            }

            if (head.IsRemoved)
            {
                return LocalAnswer.Miss;
            }

            sink.Take(entry.Span[LocalHead.Bytes..]);
            return LocalAnswer.Hit;
        }
    }

    /// <summary>Asks the tier, together with everybody else who does. It never fails.</summary>
    public Task<TierAnswer> LoadAsync(string key)
    {
        TierStripe stripe = StripeOf(key);
        TierFlight? flight;
        using (stripe.Lock.EnterScope())
        {
            if (stripe.Flights.TryGetValue(key, out flight))
            {
                Tier.Counts.AddShared();
                return flight.Task;
            }

            flight = new TierFlight();
            stripe.Flights.Add(key, flight);
        }

        _ = FlyAsync(key, stripe, flight);
        return flight.Task;
    }

    /// <summary>While the tier is left alone, what is here must do.</summary>
    private LocalAnswer Without(bool anyAge, LocalAnswer here)
    {
        if (anyAge)
        {
            return here;
        }

        if (Tier.WouldAsk)
        {
            return LocalAnswer.Ask;
        }

        Tier.Counts.AddRejected();
        return here;
    }

    private TierStripe StripeOf(string key) => _stripes[(uint)key.GetHashCode(StringComparison.Ordinal) % Stripes];

    /// <summary>Whether a copy answers without a question. One whose time lies further away than any copy's is from before the clock was put back.</summary>
    private bool IsFresh(in LocalHead head)
    {
        long left = head.FreshUntil - Now;
        return left > 0 && (left <= _freshFor || head.FreshUntil == long.MaxValue);
    }

    /// <summary>How long a copy is fresh: a sliding entry asks the tier often enough that it stays alive there.</summary>
    private long FreshFor(EntryLifetime lifetime) => lifetime.Sliding == 0 ? _freshFor : long.Min(_freshFor, lifetime.Sliding / 8);

    /// <summary>Under the lock of the stripe.</summary>
    private bool Put(ReadOnlySpan<byte> name, LocalHead head, ReadOnlyMemory<byte> value)
    {
        var options = new CacheEntryOptions
        {
            AbsoluteExpiration = head.Lifetime.EndsAt != 0 ? DateTimeOffset.FromUnixTimeMilliseconds(head.Lifetime.EndsAt) : null,
            AbsoluteExpirationRelativeToNow = head.IsRemoved ? s_removalLife : null,
            SlidingExpiration = head.Lifetime.Sliding != 0 ? TimeSpan.FromMilliseconds(head.Lifetime.Sliding) : null,
        };
        ReadOnlySequence<byte> whole = CacheSegment.Join(head.ToArray(), value);
        if (whole.Length <= NativeCacheOptions.ValueBytesMax && _local.Set(name, in whole, in options))
        {
            return true;
        }

        // The old value must be gone in any case.
        _local.Remove(name);
        return false;
    }

    /// <summary>Puts what the tier has not got: the value, or a removal where that cannot be kept, so that nothing older comes back. Under the lock of the stripe.</summary>
    private void PutPending(ReadOnlySpan<byte> name, LocalHead head, ReadOnlyMemory<byte> value)
    {
        head = head with { IsPending = true, FreshUntil = 0 };
        if (!Put(name, head, value))
        {
            Put(name, head.ToRemoval(), default);
        }
    }

    private bool TryReadHead(ReadOnlySpan<byte> name, out LocalHead head)
    {
        // Most often there is none, and a look that nobody asked for is no miss of the cache.
        head = default;
        if (!_local.Contains(name) || !_local.TryGet(name, isCall: true, out CacheLease entry))
        {
            return false;
        }

        using (entry)
        {
            head = LocalHead.Of(in entry);
            return true;
        }
    }
}
