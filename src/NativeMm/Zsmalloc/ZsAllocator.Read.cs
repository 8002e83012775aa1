using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <content>Reading and writing: the zspage is pinned, no lock is held while bytes are copied.</content>
internal sealed unsafe partial class ZsAllocator<TLocking, TStatistics, TPause>
{
    /// <summary>Pause point: the cell was read, the zspage is not pinned.</summary>
    public const string PauseBeforePin = "cell read, zspage not pinned";

    /// <summary>Pause point: the zspage is pinned, the cell was not read again.</summary>
    public const string PausePinned = "zspage pinned, cell not read again";

    /// <summary>Pause point: the zspage was frozen or the object elsewhere, and the pin is not taken back.</summary>
    public const string PausePinRefused = "pin refused, not taken back";

    /// <inheritdoc/>
    public override ZsReadLease OpenRead(ZsHandle handle, Span<byte> scratch)
    {
        Zspage* page = Pin(handle, out ulong* word, out ZsCell cell);
        ref readonly ZsClass geometry = ref _classes[cell.Class];
        int bytes = new ZsHead(HeadOf(page, geometry, cell.Object)).ObjectBytes;
        uint offset = OffsetOf(geometry, cell.Object);
        if (scratch.Length >= bytes && (offset & (Pfn.FrameBytes - 1)) + (uint)bytes <= Pfn.FrameBytes)
        {
            return new ZsReadLease(new ReadOnlySpan<byte>(ByteAt(page, offset), bytes), this, page, word, cell, handle);
        }

        return OpenCopy(handle, page, word, cell, scratch, bytes);
    }

    /// <inheritdoc/>
    public override void Write(ZsHandle handle, ReadOnlySpan<byte> data, int offset)
    {
        Zspage* page = Pin(handle, out ulong* word, out ZsCell cell);
        ref readonly ZsClass geometry = ref _classes[cell.Class];
        int bytes = new ZsHead(HeadOf(page, geometry, cell.Object)).ObjectBytes;
        bool fits = (uint)offset <= (uint)bytes && data.Length <= bytes - offset;
        if (fits)
        {
            CopyIn(page, OffsetOf(geometry, cell.Object) + (uint)offset, data);
        }

        Unpin(handle, page, word, cell);
        if (!fits)
        {
            ThrowWriteOutside(handle, bytes, data.Length, offset);
        }
    }

    /// <inheritdoc/>
    public override int SizeOf(ZsHandle handle)
    {
        Zspage* page = Pin(handle, out ulong* word, out ZsCell cell);
        int bytes = new ZsHead(HeadOf(page, _classes[cell.Class], cell.Object)).ObjectBytes;
        Unpin(handle, page, word, cell);
        return bytes;
    }

    /// <inheritdoc/>
    public override void FinishDeferred(uint zspage)
    {
        Zspage* page = PageAt(zspage);
        if (!TryLockShardOf(page, out ZsShard<TStatistics>* shard))
        {
            return;
        }

        bool dead = false;
        if (!page->IsIsolated && (Atomic.LoadAcquire(ref page->Pins) & Zspage.Deferred) != 0)
        {
            // It may have new objects by now, and it may be another zspage of the same number: whoever is empty and deferred may go.
            Zspage.Thaw(page, Zspage.Deferred);
            Invariant.Assert(page->ShardPlusOne == IndexOf(shard) + 1, $"Zspage {zspage} is looked at under the lock of shard {IndexOf(shard)} and belongs to {page->ShardPlusOne - 1}.");
            dead = page->InUse == 0 && TryKill(shard, zspage, page);
        }

        LockOf(shard).Exit();
        if (dead)
        {
            GiveBack(zspage, _classes[ClassOf(shard)].Frames);
        }
    }

    /// <summary>Takes the lock of the shard that a zspage is in, wherever it moves meanwhile. False when it does not live.</summary>
    private bool TryLockShardOf(Zspage* page, out ZsShard<TStatistics>* shard)
    {
        uint plusOne;
        while ((plusOne = Atomic.LoadAcquire(ref page->ShardPlusOne)) != 0)
        {
            shard = Shard(plusOne - 1);
            LockOf(shard).Enter();
            if (page->ShardPlusOne == plusOne)
            {
                return true;
            }

            LockOf(shard).Exit();
        }

        shard = null;
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint OffsetOf(in ZsClass geometry, uint slot) => geometry.IsHuge ? 0 : (slot * geometry.Bytes) + ZsClassTable.HeadBytes;

    /// <summary>Finds the object of a handle and keeps it where it is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Zspage* Pin(ZsHandle handle, out ulong* word, out ZsCell cell)
    {
        word = CellOf(handle);
        if (TLocking.OneLock)
        {
            ZsShard<TStatistics>* shard = LockShardOf(handle, word, out cell);
            Zspage* locked = PageAt(cell.Zspage);
            bool pinned = Zspage.TryPin(locked);
            LockOf(shard).Exit();
            if (pinned)
            {
                return locked;
            }

            LetGo(locked, cell);
            return PinSlow(handle, word, out cell);
        }

        cell = ReadLive(handle, word);
        Zspage* page = PageAt(cell.Zspage);
        TPause.Reach(PauseBeforePin);
        if (Zspage.TryPin(page)) // [A1]
        {
            TPause.Reach(PausePinned);
            if (Atomic.LoadAcquire(ref *word) == cell.Bits) // [A2] pairs with [A3], [A4], [A5]
            {
                return page;
            }
        }

        TPause.Reach(PausePinRefused);
        LetGo(page, cell);
        return PinSlow(handle, word, out cell);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Zspage* PinSlow(ZsHandle handle, ulong* word, out ZsCell cell)
    {
        var backoff = default(Backoff);
        while (true)
        {
            backoff.Wait();
            cell = ReadLive(handle, word);
            Zspage* page = PageAt(cell.Zspage);

            // Looking before pinning leaves the line to the one who copies; a stale look costs a round.
            if ((Atomic.LoadAcquire(ref page->Pins) & Zspage.Frozen) == 0)
            {
                if (Zspage.TryPin(page) // [A1]
                    && Atomic.LoadAcquire(ref *word) == cell.Bits) // [A2] pairs with [A3], [A4], [A5]
                {
                    return page;
                }

                LetGo(page, cell);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void LetGo(Zspage* page, ZsCell cell)
    {
        if (Zspage.Unpin(page))
        {
            FinishDeferred(cell.Zspage);
        }
    }

    /// <summary>Ends an access, and throws when the object was freed meanwhile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Unpin(ZsHandle handle, Zspage* page, ulong* word, ZsCell cell)
    {
        bool unchanged = Atomic.LoadAcquire(ref *word) == cell.Bits;
        LetGo(page, cell);
        if (!unchanged)
        {
            ThrowFreedWhileUsed(handle);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ZsReadLease OpenCopy(ZsHandle handle, Zspage* page, ulong* word, ZsCell cell, Span<byte> scratch, int bytes)
    {
        bool fits = scratch.Length >= bytes;
        if (fits)
        {
            CopyOut(page, OffsetOf(_classes[cell.Class], cell.Object), scratch[..bytes]);
        }

        Unpin(handle, page, word, cell);
        if (!fits)
        {
            ThrowScratchTooShort(handle, bytes, scratch);
        }

        return new ZsReadLease(scratch[..bytes]);
    }

    private void CopyOut(Zspage* page, uint offset, Span<byte> target)
    {
        while (target.Length > 0)
        {
            int piece = int.Min(target.Length, Pfn.FrameBytes - (int)(offset & (Pfn.FrameBytes - 1)));
            new ReadOnlySpan<byte>(ByteAt(page, offset), piece).CopyTo(target);
            target = target[piece..];
            offset += (uint)piece;
        }
    }

    private void CopyIn(Zspage* page, uint offset, ReadOnlySpan<byte> source)
    {
        while (source.Length > 0)
        {
            int piece = int.Min(source.Length, Pfn.FrameBytes - (int)(offset & (Pfn.FrameBytes - 1)));
            source[..piece].CopyTo(new Span<byte>(ByteAt(page, offset), piece));
            source = source[piece..];
            offset += (uint)piece;
        }
    }
}
