using System.Runtime.InteropServices;

namespace NativeMm.Lab.Baselines;

/// <summary>
/// The header of a page that holds up to two or three objects, in the page's first chunk. Chunks are 64 bytes; the others are numbered from 1.
/// The object in front starts at chunk 1, the one at the back ends with the last chunk; a third lies between them. Free chunks are one gap.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ChunkPage
{
    /// <summary>Bytes of a chunk.</summary>
    public const int ChunkBytes = 64;

    /// <summary>Chunks of a page that objects can have: all but the header's.</summary>
    public const int Chunks = (4096 / ChunkBytes) - 1;

    /// <summary>Most objects in a page.</summary>
    public const int ObjectsMax = 3;

    private const int End = Chunks + 1;

    /// <summary>Neighbours in the list of pages with as much room, or <see cref="uint.MaxValue"/>.</summary>
    public uint Next, Previous;

    private fixed byte _first[ObjectsMax];
    private fixed byte _chunks[ObjectsMax];
    private fixed ushort _bytes[ObjectsMax];

    /// <summary>Objects in the page.</summary>
    public int Objects { get; private set; }

    /// <summary>Chunks that are free.</summary>
    public int FreeChunks { get; private set; }

    /// <summary>Begins an empty page.</summary>
    public static void Initialize(ChunkPage* page) => *page = new ChunkPage { FreeChunks = Chunks };

    /// <summary>Chunks that an object needs.</summary>
    public static int ChunksFor(int bytes) => (bytes + ChunkBytes - 1) / ChunkBytes;

    /// <summary>Whether an object number is in use.</summary>
    public readonly bool Holds(int number) => number < ObjectsMax && _chunks[number] != 0;

    /// <summary>The bytes of an object.</summary>
    public static Span<byte> Content(ChunkPage* page, int number) => new((byte*)page + (page->_first[number] * ChunkBytes), page->_bytes[number]);

    /// <summary>Places an object; there must be room.</summary>
    /// <returns>Its number in the page, which stays while it lives.</returns>
    public int Place(int bytes)
    {
        int number = 0;
        while (_chunks[number] != 0)
        {
            number++;
        }

        int chunks = ChunksFor(bytes);
        _first[number] = (byte)Position(chunks);
        _chunks[number] = (byte)chunks;
        _bytes[number] = (ushort)bytes;
        Objects++;
        FreeChunks -= chunks;
        return number;
    }

    /// <summary>Removes an object. What lies between is moved to the front or against the front, so that free chunks stay one gap.</summary>
    /// <returns>Bytes that were moved.</returns>
    public static int Remove(ChunkPage* page, int number)
    {
        page->FreeChunks += page->_chunks[number];
        page->_chunks[number] = 0;
        page->Objects--;
        int low = page->Lowest();
        if (low < 0)
        {
            return 0;
        }

        int moved = Settle(page, low, 1);
        return page->Objects < 2 ? moved : moved + Settle(page, page->Other(low), page->_first[low] + page->_chunks[low]);
    }

    // Moves an object down, unless it stands at the back: there it stays.
    private static int Settle(ChunkPage* page, int number, int to)
    {
        int from = page->_first[number];
        if (from == to || from + page->_chunks[number] == End)
        {
            return 0;
        }

        int bytes = page->_bytes[number];
        Buffer.MemoryCopy((byte*)page + (from * ChunkBytes), (byte*)page + (to * ChunkBytes), bytes, bytes);
        page->_first[number] = (byte)to;
        return bytes;
    }

    private readonly int Position(int chunks)
    {
        int low = Lowest();
        if (low < 0 || _first[low] != 1)
        {
            return 1;
        }

        int other = Objects > 1 ? Other(low) : -1;
        bool backTaken = other >= 0 && _first[other] + _chunks[other] == End;
        return backTaken ? _first[low] + _chunks[low] : End - chunks;
    }

    private readonly int Lowest()
    {
        int low = -1;
        for (int i = 0; i < ObjectsMax; i++)
        {
            low = _chunks[i] != 0 && (low < 0 || _first[i] < _first[low]) ? i : low;
        }

        return low;
    }

    // The second of two objects.
    private readonly int Other(int number)
    {
        for (int i = 0; i < ObjectsMax; i++)
        {
            if (i != number && _chunks[i] != 0)
            {
                return i;
            }
        }

        return -1;
    }
}
