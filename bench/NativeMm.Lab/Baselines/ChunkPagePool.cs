// Purpose      stores compressed pages two or three to a page: zbud and z3fold, to be measured against ZsPool.
// Structure    pages with room for another object hang in one list for each number of free chunks (1 to 63); an allocation takes the page with the
//              fewest free chunks that suffice, so gaps are filled as well as they can be. Full pages hang nowhere. Empty pages go back at once.
// Accounting   pages = pages in lists + pages with as many objects as they may hold, or without a free chunk.
// Source       mm/zbud.c and mm/z3fold.c of Linux as their documentation describes them: 64-byte chunks, the first one for the header; two objects,
//              or first, middle and last, where the middle is moved when a neighbour goes. Departures: one thread, no lock; an object knows its
//              bytes; the middle is moved at once and however small the gap, which can only make the pages denser.

using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Lab.Baselines;

/// <summary>Up to two (zbud) or three (z3fold) objects a page. For one thread.</summary>
internal sealed unsafe class ChunkPagePool : IDisposable
{
    /// <summary>Objects of a page in zbud.</summary>
    public const int Two = 2;

    /// <summary>Objects of a page in z3fold.</summary>
    public const int Three = 3;

    /// <summary>Largest object, in bytes. What is larger must take a page of its own elsewhere.</summary>
    public const int BytesMax = ChunkPage.Chunks * ChunkPage.ChunkBytes;

    private readonly IFrameAllocator _frames;
    private readonly int _objectsPerPage;
    private readonly uint[] _heads = new uint[ChunkPage.Chunks + 1];

    // Which head is not empty: bit n stands for pages with n free chunks.
    private ulong _rooms;

    /// <summary>Makes an empty pool.</summary>
    /// <param name="frames">Where pages come from; stays the caller's.</param>
    /// <param name="objectsPerPage">Two or three.</param>
    public ChunkPagePool(IFrameAllocator frames, int objectsPerPage)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(objectsPerPage, Two);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(objectsPerPage, Three);
        _frames = frames;
        _objectsPerPage = objectsPerPage;
        Array.Fill(_heads, Pfn.None.Value);
    }

    /// <summary>Pages that hold an object.</summary>
    public int Pages { get; private set; }

    /// <summary>Objects.</summary>
    public int Objects { get; private set; }

    /// <summary>Bytes copied to close gaps.</summary>
    public long BytesMoved { get; private set; }

    /// <summary>Makes room for an object.</summary>
    /// <param name="bytes">1 to <see cref="BytesMax"/>.</param>
    /// <param name="handle">Its name.</param>
    /// <returns>Whether there was memory.</returns>
    public bool TryAlloc(int bytes, out ChunkHandle handle)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, BytesMax);
        handle = default;
        if (!TryFindPage(ChunkPage.ChunksFor(bytes), out Pfn frame))
        {
            return false;
        }

        ChunkPage* page = PageOf(frame);
        handle = new ChunkHandle(frame, page->Place(bytes));
        Objects++;
        Link(frame);
        return true;
    }

    /// <summary>The bytes of an object, until the next call of the pool.</summary>
    public Span<byte> Content(ChunkHandle handle) => ChunkPage.Content(Checked(handle), handle.Number);

    /// <summary>Frees an object.</summary>
    public void Free(ChunkHandle handle)
    {
        ChunkPage* page = Checked(handle);
        Unlink(handle.Page);
        BytesMoved += ChunkPage.Remove(page, handle.Number);
        Objects--;
        if (page->Objects == 0)
        {
            Pages--;
            _frames.Free(handle.Page, Order.Zero);
        }
        else
        {
            Link(handle.Page);
        }
    }

    /// <summary>Gives the pages of the lists back. Objects must have been freed before; those that were not are lost with the zone.</summary>
    public void Dispose()
    {
        for (int room = 0; room < _heads.Length; room++)
        {
            while (_heads[room] != Pfn.None.Value)
            {
                var frame = new Pfn(_heads[room]);
                Unlink(frame);
                _frames.Free(frame, Order.Zero);
            }
        }
    }

    private bool TryFindPage(int chunks, out Pfn frame)
    {
        ulong fitting = _rooms & (ulong.MaxValue << chunks);
        if (fitting != 0)
        {
            frame = new Pfn(_heads[System.Numerics.BitOperations.TrailingZeroCount(fitting)]);
            Unlink(frame);
            return true;
        }

        if (!_frames.TryAllocate(Order.Zero, FrameFlags.None, out frame, out _))
        {
            return false;
        }

        ChunkPage.Initialize(PageOf(frame));
        Pages++;
        return true;
    }

    private bool HasRoom(ChunkPage* page) => page->Objects < _objectsPerPage && page->FreeChunks > 0;

    private void Link(Pfn frame)
    {
        ChunkPage* page = PageOf(frame);
        if (!HasRoom(page))
        {
            return;
        }

        ref uint head = ref _heads[page->FreeChunks];
        page->Previous = Pfn.None.Value;
        page->Next = head;
        if (head != Pfn.None.Value)
        {
            PageOf(new Pfn(head))->Previous = frame.Value;
        }

        head = frame.Value;
        _rooms |= 1UL << page->FreeChunks;
    }

    private void Unlink(Pfn frame)
    {
        ChunkPage* page = PageOf(frame);
        if (!HasRoom(page))
        {
            return;
        }

        if (page->Next != Pfn.None.Value)
        {
            PageOf(new Pfn(page->Next))->Previous = page->Previous;
        }

        if (page->Previous != Pfn.None.Value)
        {
            PageOf(new Pfn(page->Previous))->Next = page->Next;
        }
        else
        {
            _heads[page->FreeChunks] = page->Next;
            _rooms &= page->Next == Pfn.None.Value ? ~(1UL << page->FreeChunks) : ulong.MaxValue;
        }
    }

    private ChunkPage* Checked(ChunkHandle handle)
    {
        ChunkPage* page = PageOf(handle.Page);
        return page->Holds(handle.Number) ? page : throw new ArgumentException($"Page {handle.Page} holds no object {handle.Number}.", nameof(handle));
    }

    private ChunkPage* PageOf(Pfn frame) => (ChunkPage*)_frames.Zone.AddressOf(frame);
}
