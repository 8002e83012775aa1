using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Zsmalloc;

namespace NativeMm.Buffers;

/// <content>The objects of the pool that hold a page: pieces of 4096 bytes, and the rest.</content>
public sealed unsafe partial class CompressedPageStore
{
    /// <summary>Objects that hold this many bytes.</summary>
    private static int ObjectsOf(int bytes) => (bytes + ObjectBytesMax - 1) / ObjectBytesMax;

    private static Span<ulong> HandlesOf(PageEntry* entry, PageState state) => new(&entry->First, Math.Max(1, ObjectsOf(state.Bytes)));

    private static void CopyOut(PageEntry* entry, ref PageContent content)
    {
        Invariant.Assert(entry->State.Kind != PageKind.None, "The content of an entry that is none is copied.");
        content.State = entry->State;
        content.Checksum = entry->Checksum;
        HandlesOf(entry, entry->State).CopyTo(content.Handles);
    }

    private static void CopyIn(PageEntry* entry, ref PageContent content)
    {
        Invariant.Assert(content.State.Kind != PageKind.None, "An entry gets no content.");
        entry->State = content.State;
        entry->Checksum = content.Checksum;
        Span<ulong> handles = content.Handles;
        handles[..Math.Max(1, ObjectsOf(content.State.Bytes))].CopyTo(HandlesOf(entry, content.State));
    }

    /// <summary>Makes the objects of a page and writes them.</summary>
    /// <param name="source">What they hold.</param>
    /// <param name="kind">What that is.</param>
    /// <param name="content">Gets the state and the handles; a state without bytes when the page is refused.</param>
    private PageRefusal WriteObjects(ReadOnlySpan<byte> source, PageKind kind, ref PageContent content)
    {
        Invariant.Assert(
            source.Length > 0 && source.Length <= _pageBytes && kind is PageKind.Compressed or PageKind.Huge,
            $"{source.Length} bytes of a page of {_pageBytes} are written as {kind}.");
        for (int offset = 0, i = 0; offset < source.Length; offset += ObjectBytesMax, i++)
        {
            ReadOnlySpan<byte> piece = source.Slice(offset, Math.Min(ObjectBytesMax, source.Length - offset));
            if (!_pool.TryAlloc(piece.Length, out ZsHandle handle))
            {
                content.State = new PageState(kind, offset);
                return PageRefusal.OutOfMemory;
            }

            _pool.Write(handle, piece);
            content.Handles[i] = handle.Value;

            // What is written so far is whoever's who frees it, if the next one throws.
            content.State = new PageState(kind, offset + piece.Length);
        }

        content.State = new PageState(kind, source.Length);
        long frames = _pool.GetTotalFrames();
        if (frames > _framesLimit && !FitsAfterCompaction(out frames))
        {
            return PageRefusal.MemoryLimit;
        }

        // Written only when it grows; a stale value costs another look.
        if ((ulong)frames > Atomic.LoadAcquire(ref _framesMax))
        {
            RaiseFramesMax((ulong)frames);
        }

        return PageRefusal.None;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool FitsAfterCompaction(out long frames)
    {
        _ = _pool.Compact();
        frames = _pool.GetTotalFrames();
        return frames <= _framesLimit;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RaiseFramesMax(ulong frames)
    {
        ulong max;
        do
        {
            max = Atomic.LoadAcquire(ref _framesMax);
        }
        while (frames > max && !Atomic.CompareExchange(ref _framesMax, max, frames));
    }

    /// <summary>Copies the objects of a page together. The caller holds the stripe's lock.</summary>
    private void ReadObjects(PageEntry* entry, Span<byte> destination)
    {
        int left = entry->State.Bytes;
        Invariant.Assert(left >= 0 && left <= destination.Length, $"A page of {left} bytes is read to {destination.Length}.");
        for (ulong* handle = &entry->First; left > 0; handle++)
        {
            int bytes = Math.Min(ObjectBytesMax, left);
            using (ZsReadLease lease = _pool.OpenRead(new ZsHandle(*handle), destination[..bytes]))
            {
                // An object that straddles frames is in the destination already.
                if (!Unsafe.AreSame(in lease.Data[0], in destination[0]))
                {
                    lease.Data.CopyTo(destination);
                }
            }

            destination = destination[bytes..];
            left -= bytes;
        }
    }

    /// <summary>Frees the objects of a page that no entry names.</summary>
    private void FreeObjects(ref PageContent content)
    {
        int count = ObjectsOf(content.State.Bytes);
        for (int i = 0; i < count; i++)
        {
            _pool.Free(new ZsHandle(content.Handles[i]));
        }
    }
}
