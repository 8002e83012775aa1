// Purpose      remembers what left a cache: the history that a policy gave out, by a hash of the key, in at most four bytes an item.
// States       of a place: empty (0), or a tag and a history that is not 0. A line of 64 bytes has 8 words of 3 places, the youngest first.
// Transitions  of a word: one read [H1], then one store of what becomes of it: an item put in front [H2], or one taken out [H3].
// Ownership    every word | whoever puts or takes | the same | relaxed read, release. No lock: a place lies within one word and moves as a whole, so nobody reads the
//              history of one item with the tag of another. Two at the same line may lose an item, or keep it twice: both are hints.
// Ordering     none is needed: no other memory is handed over by a word. A thread finds what it put itself, unless another one stored since.
// Reuse        another item with the same line and tag is taken for this one: 24 of 2^(21 − history bits) strangers, about 1 %.
// Progress     bounded, waits for nobody, at most one line is touched.

using NativeMm.Primitives;

namespace NativeMm.Eviction;

/// <summary>
/// What an <see cref="IReplacementPolicy"/> said of items that left, for an owner who has no place of its own to keep it: the last ones, half again as many as
/// stay in. Any thread may call.
/// </summary>
internal unsafe struct EvictionHistory
{
    /// <summary>Bytes of a line, and the alignment that keeps lines apart.</summary>
    public const int LineBytes = WordsALine * sizeof(ulong);

    private const int PlaceBits = 21;
    private const int PlacesAWord = 3;
    private const int WordsALine = 8;
    private const ulong PlaceMask = (1UL << PlaceBits) - 1;
    private const uint ItemsALine = 16;

    private ulong* _words;
    private uint _lines;
    private int _historyBits;

    /// <summary>Bytes for so many items: four for each, rounded up to a line.</summary>
    public static nuint BytesFor(uint items) => (nuint)LinesFor(items) * LineBytes;

    /// <summary>Gives it its memory.</summary>
    /// <param name="memory">
    /// <see cref="BytesFor"/> bytes that are zero, aligned to <see cref="LineBytes"/>; the owner's, who frees them after the last call.
    /// </param>
    /// <param name="items">How many items stay in.</param>
    /// <param name="historyBits">Bits of a history, 1 to 12: <see cref="IReplacementPolicy.HistoryBits"/>.</param>
    public void Attach(byte* memory, uint items, int historyBits)
    {
        _words = (ulong*)memory;
        _lines = LinesFor(items);
        _historyBits = historyBits;
    }

    /// <summary>An item left.</summary>
    /// <param name="hash">A hash of its key, all bits of which are equally good; the same for <see cref="Take"/>.</param>
    /// <param name="history">What the policy said; 0 is not remembered.</param>
    public readonly void Put(ulong hash, uint history)
    {
        if (history == 0)
        {
            return;
        }

        ulong* line = LineOf(hash);
        ulong moving = (TagOf(hash) << _historyBits) | history;
        for (int i = 0; i < WordsALine && moving != 0; i++)
        {
            ulong word = Atomic.LoadRelaxed(in line[i]); // [H1]
            Atomic.StoreRelease(ref line[i], Push(word, ref moving)); // [H2]
        }
    }

    /// <summary>An item comes in: what is remembered of it, and is not from then on.</summary>
    /// <param name="hash">A hash of its key.</param>
    /// <returns>Its history, or 0.</returns>
    public readonly uint Take(ulong hash)
    {
        ulong* line = LineOf(hash);
        ulong tag = TagOf(hash);
        uint historyMask = (1u << _historyBits) - 1;
        for (int i = 0; i < WordsALine; i++)
        {
            ulong word = Atomic.LoadRelaxed(in line[i]); // [H1]
            for (int shift = 0; shift < PlacesAWord * PlaceBits; shift += PlaceBits)
            {
                ulong place = (word >> shift) & PlaceMask;
                if (place >> _historyBits == tag && place != 0)
                {
                    Atomic.StoreRelease(ref line[i], word & ~(PlaceMask << shift)); // [H3]
                    return (uint)place & historyMask;
                }
            }
        }

        return 0;
    }

    private static uint LinesFor(uint items) => uint.Max(1, (uint)(((ulong)items + ItemsALine - 1) / ItemsALine));

    /// <summary>Puts a place first in a word. The others move on up to the first empty one, or the last falls out.</summary>
    private static ulong Push(ulong word, ref ulong moving)
    {
        for (int shift = 0; shift < PlacesAWord * PlaceBits; shift += PlaceBits)
        {
            ulong here = (word >> shift) & PlaceMask;
            word = (word & ~(PlaceMask << shift)) | (moving << shift);
            moving = here;
            if (here == 0)
            {
                break;
            }
        }

        return word;
    }

    private readonly ulong* LineOf(ulong hash) => _words + ((nuint)(((hash >> 32) * _lines) >> 32) * WordsALine);

    private readonly ulong TagOf(ulong hash) => hash & ((1UL << (PlaceBits - _historyBits)) - 1);
}
