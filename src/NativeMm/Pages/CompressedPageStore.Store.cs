using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <content>Pages on their way in.</content>
public sealed unsafe partial class CompressedPageStore
{
    /// <summary>Stores a page; one of the same key is replaced.</summary>
    /// <param name="key">Any number.</param>
    /// <param name="page">Exactly <see cref="PageBytes"/>; copied.</param>
    /// <exception cref="ArgumentException">The page has another length.</exception>
    /// <exception cref="OutOfMemoryException">The page does not fit; the message says what is used and what the limit is. The old page stays.</exception>
    /// <exception cref="InvalidOperationException">The codec reports a length that cannot be. The old page stays.</exception>
    /// <exception cref="ObjectDisposedException">The store is disposed.</exception>
    public void Store(ulong key, ReadOnlySpan<byte> page)
    {
        if (!TryStore(key, page, out PageRefusal refusal))
        {
            ThrowRefused(key, refusal);
        }
    }

    /// <summary>Stores a page if there is room; one of the same key is replaced.</summary>
    /// <inheritdoc cref="TryStore(ulong, ReadOnlySpan{byte}, out PageRefusal)"/>
    public bool TryStore(ulong key, ReadOnlySpan<byte> page) => TryStore(key, page, out _);

    /// <summary>Stores a page if there is room; one of the same key is replaced.</summary>
    /// <param name="key">Any number.</param>
    /// <param name="page">Exactly <see cref="PageBytes"/>; copied.</param>
    /// <param name="refusal">Why it was not stored.</param>
    /// <returns>False when there is no room: then the old page stays, if there is one.</returns>
    /// <exception cref="ArgumentException">The page has another length.</exception>
    /// <exception cref="InvalidOperationException">The codec reports a length that cannot be. The old page stays.</exception>
    /// <exception cref="ObjectDisposedException">The store is disposed.</exception>
    public bool TryStore(ulong key, ReadOnlySpan<byte> page, out PageRefusal refusal)
    {
        ThrowIfDisposed();
        ThrowIfNotPage(page.Length, nameof(page));
        Unsafe.SkipInit(out PageContent content);
        content.State = default;
        if (SameFilledPage.Detect(page, out ulong word))
        {
            content.State = new PageState(PageKind.SameFilled, 0);
            content.Checksum = 0;
            content.Handles[0] = word;
            refusal = PageRefusal.None;
        }
        else
        {
            refusal = CompressOrForget(page, ref content);

            // After the codec and not before: with the page read already, LZ4 was slower by a tenth.
            content.Checksum = PageChecksum.Compute(page, key);
        }

        if (refusal == PageRefusal.None && !PublishOrForget(key, ref content))
        {
            refusal = PageRefusal.OutOfMemory;
        }

        // Published, the content is what was there before; refused, it is what did not get in.
        FreeObjects(ref content);
        if (refusal != PageRefusal.None)
        {
            // The pool may keep what the page came in with for the next one: beyond the limit it must not.
            _ = _pool.ReleaseEmptyUnlessDisposed();
            Atomic.Add(ref _refusals, 1);
        }

        GC.KeepAlive(this);
        return refusal == PageRefusal.None;
    }

    private PageRefusal CompressOrForget(ReadOnlySpan<byte> page, ref PageContent content)
    {
        try
        {
            return Compress(page, ref content);
        }
        catch
        {
            // The codec, or a shrinker of the program: what was written already is nobody's.
            FreeObjects(ref content);
            throw;
        }
    }

    private bool PublishOrForget(ulong key, ref PageContent content)
    {
        try
        {
            return TryPublish(key, ref content);
        }
        catch
        {
            // A shrinker of the program, that the table's block has asked. The page is in no table yet.
            FreeObjects(ref content);
            throw;
        }
    }

    private PageRefusal Compress(ReadOnlySpan<byte> page, ref PageContent content)
    {
        // Whoever throws in between loses the buffer to the collector, and nothing else.
        byte[] scratch = _scratch.Take();
        Span<byte> room = scratch.AsSpan(0, _compressedBytesMax);
        PageRefusal refusal;
        if (_codec.TryCompress(page, room, out int bytes))
        {
            if ((uint)(bytes - 1) >= (uint)room.Length)
            {
                ThrowCodecLies(bytes);
            }

            refusal = WriteObjects(room[..bytes], PageKind.Compressed, ref content);
        }
        else
        {
            refusal = WriteObjects(page, PageKind.Huge, ref content);
        }

        _scratch.Return(scratch);
        return refusal;
    }

    /// <summary>Puts a page into the table, in one step.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="content">The page; afterwards the one that it replaced, or one without objects.</param>
    /// <returns>False when the table would have to grow and cannot; then the content is left.</returns>
    private bool TryPublish(ulong key, ref PageContent content)
    {
        ulong hash = PageHash.Of(key);
        ref PageStripe stripe = ref StripeOf(hash);
        while (true)
        {
            stripe.Lock.Enter();
            PageEntry* entry = stripe.Table.Find(key, PageHash.SlotOf(hash), _entryBytes);
            if (entry != null)
            {
                PageContent old = default;
                CopyOut(entry, ref old);
                CopyIn(entry, ref content);
                stripe.Tally.Remove(old.State);
                stripe.Tally.Add(content.State);
                stripe.Lock.Exit();
                content = old;
                return true;
            }

            if (!stripe.Table.IsFull)
            {
                CopyIn(stripe.Table.Add(key, PageHash.SlotOf(hash), _entryBytes), ref content);
                stripe.Tally.Add(content.State);
                stripe.Lock.Exit();
                content.State = default;
                return true;
            }

            int capacity = stripe.Table.Capacity;
            stripe.Lock.Exit();
            if (!TryResize(ref stripe, capacity, Math.Max(PageTable.CapacityMin, capacity * 2)))
            {
                return false;
            }
        }
    }

    /// <summary>Gives a stripe's table another block, unless somebody else did meanwhile.</summary>
    /// <returns>False when there is no memory for the block.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryResize(ref PageStripe stripe, int from, int to)
    {
        Invariant.Assert(from != to && to >= PageTable.CapacityMin, $"A table of {from} slots gets {to}.");
        nuint bytes = PageTable.BytesOf(to, _entryBytes);
        if (!_heap.TryAlloc(bytes, out void* block))
        {
            return false;
        }

        NativeMemory.Clear(block, bytes);
        stripe.Lock.Enter();
        bool resize = stripe.Table.Capacity == from && stripe.Table.Count < to / 4 * 3;
        void* unused = resize ? stripe.Table.MoveTo(block, to, _entryBytes) : block;
        stripe.Lock.Exit();
        FreeTable(unused);
        return true;
    }

    private void FreeTable(void* block)
    {
        if (block != null)
        {
            _heap.FreeUnlessDisposed(block);
        }
    }

    [DoesNotReturn]
    private void ThrowCodecLies(int bytes) => throw new InvalidOperationException(
        $"The codec '{_codec.Name}' reports {bytes} compressed bytes; it had room for {_compressedBytesMax}, and a page takes at least 1.");

    [DoesNotReturn]
    private void ThrowRefused(ulong key, PageRefusal refusal)
    {
        long used = _pool.GetTotalFrames() * ObjectBytesMax;
        if (refusal == PageRefusal.MemoryLimit)
        {
            throw new OutOfMemoryException(
                $"Page {key} of {_pageBytes} bytes does not fit: the store uses {used} bytes of frames, and its limit is {Options.MemoryLimitBytes} bytes.");
        }

        ulong free = _frames.GetStatistics().FreeFrames * (ulong)ObjectBytesMax;
        throw new OutOfMemoryException(
            $"There is no memory for page {key} of {_pageBytes} bytes: the store uses {used} bytes of frames, and of the runtime's {_frames.Zone.Bytes} bytes {free} are free.");
    }
}
