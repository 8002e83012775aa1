using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using NativeMm.Caching;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Extensions;

internal sealed partial class TieredCache
{
    // Keys whose writes the tier missed, with their versions, for the moment when it is back. What does not fit is repaired when it is read.
    private const int PendingKeysMax = 10_000;

    private readonly FailureLog _loadFailures = new("a load from the second tier");
    private readonly Dictionary<string, (long Version, bool IsMissed)> _pending = new(StringComparer.Ordinal);
    private readonly TimeSpan _roundPause;
    private readonly int _roundFailuresMax;
    private SleepLock _pendingLock;
    private int _pendingCount;
    private int _isInRound;
    private int _failedRepairs;
    private long _roundBegan;

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "The cache ended, or there is no memory: waiters must not hang, nor fail.")]
    private async Task FlyAsync(string key, TierStripe stripe, TierFlight flight)
    {
        TierAnswer answer = TierAnswer.None;
        try
        {
            // Between the look of whoever began this and its flight another flight may have landed.
            if (Pending(key).Version == 0 && IsFresh(key))
            {
                answer = TierAnswer.Local;
                return;
            }

            (TierReply reply, TierRecord record) = await Tier.ReadAsync(key).ConfigureAwait(false);
            answer = Settle(key, stripe, flight, reply, record, out bool isBehind);
            if (isBehind)
            {
                // While the tier gets what is here, nobody need ask it.
                flight.End(answer);
                await RepairAsync(key, stripe).ConfigureAwait(false);
            }
        }
        catch (Exception failure)
        {
            _loadFailures.Note(failure);
        }
        finally
        {
            // Whoever is told may ask again at once, and then asks the tier: nobody joins a flight that has ended.
            using (stripe.Lock.EnterScope())
            {
                stripe.Forget(key, flight);
            }

            flight.End(answer);
        }
    }

    private bool IsFresh(string key)
    {
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        return TryReadHead(name.Bytes, out LocalHead head) && IsFresh(head);
    }

    /// <summary>Puts what a load brought in its place.</summary>
    /// <param name="key">The key.</param>
    /// <param name="stripe">Its stripe.</param>
    /// <param name="flight">The load.</param>
    /// <param name="reply">How it ended.</param>
    /// <param name="record">What it brought.</param>
    /// <param name="isBehind">Whether the tier has to get what is here.</param>
    private TierAnswer Settle(string key, TierStripe stripe, TierFlight flight, TierReply reply, TierRecord record, out bool isBehind)
    {
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        using SleepLock.Scope scope = stripe.Lock.EnterScope();
        isBehind = false;
        if (flight.IsOutdated || stripe.IsWriting(key) || reply == TierReply.Failed)
        {
            return TierAnswer.Local;
        }

        bool isHere = TryReadHead(name.Bytes, out LocalHead head);
        if (isHere && (reply == TierReply.Missing ? head.IsPending : head.Version > record.Version && (head.IsPending || record.Writer == _writer)))
        {
            isBehind = true;
            return TierAnswer.Local;
        }

        if (!isHere && reply == TierReply.Done && Pending(key) is var noted && noted.Version > record.Version && (noted.IsMissed || record.Writer == _writer))
        {
            // What was written last was over, or had to go, before the tier got it.
            PutPending(name.Bytes, new LocalHead(noted.Version, default, 0, IsPending: true, IsRemoved: true), default);
            isBehind = true;
            return TierAnswer.None;
        }

        ForgetPending(key, long.MaxValue);
        if (reply == TierReply.Missing)
        {
            if (isHere)
            {
                _local.Remove(name.Bytes);
            }

            return TierAnswer.None;
        }

        Put(name.Bytes, new LocalHead(record.Version, record.Lifetime, Now + FreshFor(record.Lifetime), IsPending: false, IsRemoved: false), record.Value);
        return new TierAnswer(record.Value, IsLocal: false);
    }

    /// <summary>Gives the tier what it missed: the copy of this process, or its removal.</summary>
    private async Task RepairAsync(string key, TierStripe stripe)
    {
        if (!TryRecord(key, out LocalHead head, out byte[] record) || !TryBeginRepair(key, stripe, head.Version))
        {
            return;
        }

        try
        {
            TierReply reply = head.IsRemoved
                ? await Tier.RemoveAsync(key).ConfigureAwait(false)
                : await Tier.WriteAsync(key, record, head.Lifetime, TimeSpan.FromMilliseconds(FreshFor(head.Lifetime))).ConfigureAwait(false);
            if (reply == TierReply.Failed)
            {
                Atomic.Add(ref _failedRepairs, 1);
                NotePending(key, head.Version);
                return;
            }

            Tier.Counts.AddRepair();
            ForgetPending(key, head.Version);
            Confirm(key, stripe, head, record.AsMemory(TierRecord.HeadBytes));
        }
        finally
        {
            EndRepair(key, stripe);
        }
    }

    /// <summary>Looks again first: a write that began since is on its way to the tier, or there, and what was read here is older.</summary>
    private bool TryBeginRepair(string key, TierStripe stripe, long version)
    {
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        using SleepLock.Scope scope = stripe.Lock.EnterScope();
        bool isLast = TryReadHead(name.Bytes, out LocalHead there) && there.Version == version;
        if (isLast)
        {
            stripe.BeginRepair(key, version);
        }

        return isLast;
    }

    private void EndRepair(string key, TierStripe stripe)
    {
        using SleepLock.Scope scope = stripe.Lock.EnterScope();
        NoteUnsure(key, stripe.EndRepair(key));
    }

    /// <summary>Of writes that overlapped, the tier may have done the latest one first: it is as good as missed until a load has seen it.</summary>
    private void NoteUnsure(string key, long version)
    {
        if (version != 0)
        {
            NotePending(key, version, isMissed: false);
        }
    }

    /// <summary>The tier has the write of a version: if it is still the last one, its entry is an ordinary copy, and a removal is over.</summary>
    private void Confirm(string key, TierStripe stripe, LocalHead head, ReadOnlyMemory<byte> value)
    {
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        using SleepLock.Scope scope = stripe.Lock.EnterScope();
        try
        {
            if (!TryReadHead(name.Bytes, out LocalHead there) || there.Version != head.Version)
            {
                return;
            }

            if (head.IsRemoved)
            {
                _local.Remove(name.Bytes);
            }
            else
            {
                Put(name.Bytes, there with { IsPending = false, FreshUntil = Now + FreshFor(head.Lifetime) }, value);
            }
        }
        catch (ObjectDisposedException)
        {
            // The cache ended meanwhile. The tier has the write, and nothing is here that could be behind.
        }
    }

    /// <summary>The copy of this process as the tier takes it.</summary>
    private bool TryRecord(string key, out LocalHead head, out byte[] record)
    {
        head = default;
        record = [];
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        if (!_local.TryGet(name.Bytes, isCall: true, out CacheLease entry))
        {
            return false;
        }

        using (entry)
        {
            head = LocalHead.Of(in entry);
            record = TierRecord.Begin(entry.AsSequence().Slice(LocalHead.Bytes));
        }

        TierRecord.Seal(name.Bytes, record, head.Version, head.Lifetime, _writer);
        return true;
    }

    /// <summary>Notes a write for the next round.</summary>
    /// <param name="key">The key.</param>
    /// <param name="version">Its version.</param>
    /// <param name="isMissed">Whether the tier missed it. Otherwise it may have done an earlier one of this process last.</param>
    private void NotePending(string key, long version, bool isMissed = true)
    {
        using SleepLock.Scope scope = _pendingLock.EnterScope();
        bool isNoted = _pending.TryGetValue(key, out (long Version, bool IsMissed) noted);
        if (version >= noted.Version && (isNoted || _pending.Count < PendingKeysMax))
        {
            _pending[key] = (version, isMissed || (noted.IsMissed && noted.Version == version));
            Atomic.StoreRelease(ref _pendingCount, _pending.Count);
        }
    }

    /// <summary>What is noted of a key; version 0 for nothing.</summary>
    private (long Version, bool IsMissed) Pending(string key)
    {
        if (Atomic.LoadAcquire(in _pendingCount) == 0)
        {
            return default;
        }

        using SleepLock.Scope scope = _pendingLock.EnterScope();
        return _pending.GetValueOrDefault(key);
    }

    /// <summary>The tier has a write as late as that, or what it has is in force.</summary>
    private void ForgetPending(string key, long upTo)
    {
        if (Atomic.LoadAcquire(in _pendingCount) == 0)
        {
            return;
        }

        using SleepLock.Scope scope = _pendingLock.EnterScope();
        if (_pending.TryGetValue(key, out (long Version, bool IsMissed) noted) && noted.Version <= upTo)
        {
            _pending.Remove(key);
            Atomic.StoreRelease(ref _pendingCount, _pending.Count);
        }
    }

    private string[] PendingKeys()
    {
        using SleepLock.Scope scope = _pendingLock.EnterScope();
        return [.. _pending.Keys];
    }

    /// <summary>The tier has answered: it gets what it missed. At once if it was left alone before; else, as it may refuse just that, now and then.</summary>
    private void RepairIfBehind(bool cameBack)
    {
        if (Atomic.LoadAcquire(in _pendingCount) != 0
            && (cameBack || _time.GetElapsedTime(Atomic.LoadAcquire(in _roundBegan)) >= _roundPause)
            && Atomic.CompareExchange(ref _isInRound, 0, 1)) // [P1] pairs with [P2]
        {
            _ = Task.Run(RepairAllAsync);
        }
    }

    /// <summary>A round: what the tier missed, one after the other. Loads find out by themselves what is to be done. A tier that refuses is not asked for the rest.</summary>
    private async Task RepairAllAsync()
    {
        try
        {
            Atomic.StoreRelease(ref _roundBegan, _time.GetTimestamp());
            int failuresMax = Atomic.LoadAcquire(in _failedRepairs) + _roundFailuresMax;
            foreach (string key in PendingKeys())
            {
                if (!Tier.WouldAsk || Atomic.LoadAcquire(in _failedRepairs) - failuresMax >= 0)
                {
                    break;
                }

                await LoadAsync(key).ConfigureAwait(false);
            }
        }
        finally
        {
            // Also without managed memory: the next answer begins a round again.
            Atomic.StoreRelease(ref _isInRound, 0); // [P2] pairs with [P1]
        }
    }
}
