using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Caching.Distributed;
using NativeMm.Caching;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Extensions;

/// <summary>
/// A cache elsewhere, asked so that nothing of what it does wrong comes through: a call that throws, blocks or hangs is a reply, and after some of them in a row it
/// is left alone. Thread-safe.
/// </summary>
/// <param name="tier">The cache.</param>
/// <param name="options">Timeout and circuit.</param>
/// <param name="time">Whose timers.</param>
internal sealed class SecondTier(IDistributedCache tier, NativeDistributedCacheOptions options, TimeProvider time)
{
    // What a server rounds, or has of its own ideas of a second, must not end an entry early: the head of the record says when it ends.
    private static readonly TimeSpan s_slack = TimeSpan.FromSeconds(1);

    // Some add it to the time, and fail where that goes beyond the calendar.
    private static readonly TimeSpan s_never = TimeSpan.FromDays(1_000_000);

    private readonly IBufferDistributedCache? _buffers = tier as IBufferDistributedCache;
    private readonly TimeSpan _timeout = options.SecondTierTimeout;
    private readonly FailureLog _failures = new($"the second tier of cache '{options.Name}'");
    private readonly BlockedCalls _blocked = new();
    private readonly TierCircuit _circuit = new(options.CircuitFailures, options.CircuitDuration, time);

    /// <summary>What became of the calls.</summary>
    public TierCounts Counts { get; } = new();

    /// <summary>The state of the circuit.</summary>
    public TierCircuitState State => _circuit.State;

    /// <summary>What the last call that threw said, or null.</summary>
    public string? LastFailure => _failures.Last;

    /// <summary>Whether a call would be made at this moment.</summary>
    public bool WouldAsk => !_blocked.IsFull && _circuit.WouldEnter;

    /// <summary>Called when the tier has answered; says whether it was left alone before. Must not throw.</summary>
    public Action<bool>? Answered { get; set; }

    /// <summary>Reads an entry. Never throws.</summary>
    public async Task<(TierReply Reply, TierRecord Record)> ReadAsync(string key)
    {
        ReadOnlyMemory<byte>? found = null;
        TierReply reply = await CallAsync(async cancel => found = await ReadBytesAsync(key, cancel).ConfigureAwait(false)).ConfigureAwait(false);
        if (reply != TierReply.Done)
        {
            return (reply, default);
        }

        if (found is not { } bytes || !IsWhole(key, bytes, out TierRecord record) || record.Lifetime.IsOver(time.GetUtcNow().ToUnixTimeMilliseconds()))
        {
            Counts.AddRead(found: false);
            return (TierReply.Missing, default);
        }

        Counts.AddRead(found: true);
        return (TierReply.Done, record);
    }

    /// <summary>Writes an entry. Never throws.</summary>
    /// <param name="key">The key.</param>
    /// <param name="record">Of <see cref="TierRecord.Seal"/>.</param>
    /// <param name="lifetime">When it ends.</param>
    /// <param name="unseenMax">How long the tier may not be told of accesses: it keeps a sliding entry for longer by that.</param>
    public Task<TierReply> WriteAsync(string key, byte[] record, EntryLifetime lifetime, TimeSpan unseenMax)
    {
        TimeSpan? left = null;
        if (lifetime.EndsAt != 0)
        {
            left = TimeSpan.FromMilliseconds(lifetime.EndsAt - time.GetUtcNow().ToUnixTimeMilliseconds()) + s_slack;
            if (left <= s_slack)
            {
                // It is over, and so is what it stood in the place of.
                return RemoveAsync(key);
            }
        }

        var entry = new DistributedCacheEntryOptions
        {
            AbsoluteExpirationRelativeToNow = left > s_never ? null : left,
            SlidingExpiration = lifetime.Sliding == 0 ? null : TimeSpan.FromMilliseconds(lifetime.Sliding) + unseenMax + s_slack,
        };
        return CallAsync(cancel => _buffers is null
            ? tier.SetAsync(key, record, entry, cancel)
            : _buffers.SetAsync(key, new ReadOnlySequence<byte>(record), entry, cancel).AsTask());
    }

    /// <summary>Removes an entry. Never throws.</summary>
    public Task<TierReply> RemoveAsync(string key) => CallAsync(cancel => tier.RemoveAsync(key, cancel));

    /// <summary>Renews a sliding entry. Never throws.</summary>
    public Task<TierReply> RefreshAsync(string key) => CallAsync(cancel => tier.RefreshAsync(key, cancel));

    private async Task<ReadOnlyMemory<byte>?> ReadBytesAsync(string key, CancellationToken cancel)
    {
        if (_buffers is null)
        {
            // Null would become a memory of no bytes on its way through the conversion of arrays.
            byte[]? bytes = await tier.GetAsync(key, cancel).ConfigureAwait(false);
            return bytes is null ? (ReadOnlyMemory<byte>?)null : bytes;
        }

        var writer = new TierWriter(NativeCacheOptions.ValueBytesMax);
        return await _buffers.TryGetAsync(key, writer, cancel).ConfigureAwait(false) ? writer.Written : (ReadOnlyMemory<byte>?)null;
    }

    private bool IsWhole(string key, ReadOnlyMemory<byte> bytes, out TierRecord record)
    {
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        if (TierRecord.TryRead(name.Bytes, bytes, out record))
        {
            return true;
        }

        Counts.AddCorrupt();
        return false;
    }

    /// <summary>Begins the call on a thread of the pool, for it may block before it gives a task; and waits for it no longer than the timeout.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whatever a tier throws is the same: it did not answer.")]
    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "A call that goes on beyond its timeout still has the token.")]
    private async Task<TierReply> CallAsync(Func<CancellationToken, Task> call)
    {
        if (_blocked.IsFull || !_circuit.TryEnter(out int ticket))
        {
            Counts.AddRejected();
            return TierReply.Failed;
        }

        bool succeeded = false;
        try
        {
            var limit = new CancellationTokenSource(_timeout, time);
            var blocking = new BlockedCalls.Call(_blocked);
            Task running = Task.Run(
                () =>
                {
                    try
                    {
                        return call(limit.Token);
                    }
                    finally
                    {
                        blocking.Return();
                    }
                },
                CancellationToken.None);
            try
            {
                await running.WaitAsync(limit.Token).ConfigureAwait(false);
                succeeded = true;
                limit.Dispose();
            }
            catch (Exception failure)
            {
                bool isTimeout = limit.IsCancellationRequested;
                blocking.GiveUp();
                Counts.AddFailure(isTimeout);
                _failures.Note(isTimeout ? new TimeoutException($"The second tier did not answer within {_timeout}.") : failure);
                _ = running.ContinueWith(
                    static ended => ended.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }
        finally
        {
            bool cameBack = _circuit.Leave(ticket, succeeded);
            if (succeeded)
            {
                Answered?.Invoke(cameBack);
            }
        }

        return succeeded ? TierReply.Done : TierReply.Failed;
    }
}
