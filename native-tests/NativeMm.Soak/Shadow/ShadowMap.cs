using System.Globalization;

namespace NativeMm.Soak.Shadow;

/// <summary>
/// Who owns which bytes of the address space, kept beside the library in managed memory. Whole pages have a word each; the rest has a word for each
/// 16 bytes, the least that any block has to itself. Thread-safe.
/// </summary>
internal sealed class ShadowMap
{
    private const int GranuleShift = 4;
    private const int PageShift = 12;
    private const int LeafShift = 30;
    private const int AddressBits = 48;
    private const int GranulesPerPage = 1 << (PageShift - GranuleShift);
    private const nuint PageMask = (1 << PageShift) - 1;
    private const int Whole = int.MinValue;

    private readonly Leaf?[] _leaves = new Leaf?[1 << (AddressBits - LeafShift)];

    /// <summary>Makes bytes an owner's.</summary>
    /// <param name="address">A multiple of 16.</param>
    /// <param name="bytes">Length; the rest of the last 16 bytes belongs to it.</param>
    /// <param name="owner">1 or more.</param>
    /// <param name="who">For the message.</param>
    /// <exception cref="FindingException">Somebody owns one of them.</exception>
    public void Claim(nuint address, nuint bytes, int owner, string who) => Change(address, bytes, owner, claims: true, who);

    /// <summary>Makes bytes nobody's, before they are given back.</summary>
    /// <exception cref="FindingException">One of them is not the owner's.</exception>
    public void Yield(nuint address, nuint bytes, int owner, string who) => Change(address, bytes, owner, claims: false, who);

    /// <summary>Lets the words of a range go in which nobody owns anything any more, and nobody will before the address space is given back.</summary>
    public void Forget(nuint address, nuint bytes)
    {
        for (nuint end = address + bytes; address < end; address += PageMask + 1)
        {
            LeafOf(address).Forget(PageOf(address));
        }
    }

    private static int PageOf(nuint address) => (int)((address >> PageShift) & ((1 << (LeafShift - PageShift)) - 1));

    private void Change(nuint address, nuint bytes, int owner, bool claims, string who)
    {
        nuint end = (address + bytes + ((1 << GranuleShift) - 1)) & ~(nuint)((1 << GranuleShift) - 1);
        while (address < end)
        {
            nuint stop = nuint.Min(end, (address | PageMask) + 1);
            Leaf leaf = LeafOf(address);
            int page = PageOf(address);
            if (stop - address == PageMask + 1)
            {
                int from = claims ? 0 : Whole | owner;
                int found = Interlocked.CompareExchange(ref leaf.Pages[page], claims ? Whole | owner : 0, from);
                Require(found == from, address, found, claims, owner, who);
            }
            else
            {
                ChangePart(leaf, page, address, stop, owner, claims, who);
            }

            address = stop;
        }
    }

    private static void ChangePart(Leaf leaf, int page, nuint address, nuint stop, int owner, bool claims, string who)
    {
        int first = (int)((address & PageMask) >> GranuleShift);
        int count = (int)((stop - address) >> GranuleShift);
        if (claims)
        {
            int pieces = Interlocked.Add(ref leaf.Pages[page], count);
            Require(pieces >= 0, address, pieces - count, claims, owner, who);
        }

        int[] granules = leaf.GranulesOf(page);
        for (int i = first; i < first + count; i++)
        {
            int from = claims ? 0 : owner;
            int found = Interlocked.CompareExchange(ref granules[i], claims ? owner : 0, from);
            Require(found == from, (address & ~PageMask) + ((nuint)i << GranuleShift), found, claims, owner, who);
        }

        if (!claims)
        {
            Interlocked.Add(ref leaf.Pages[page], -count);
        }
    }

    private static void Require(bool holds, nuint address, int found, bool claims, int owner, string who)
    {
        if (!holds)
        {
            throw new FindingException(
                who,
                address,
                claims ? "bytes that nobody owns" : string.Create(CultureInfo.InvariantCulture, $"bytes of owner {owner}"),
                found == 0 ? "nobody's" : string.Create(CultureInfo.InvariantCulture, $"those of owner {found & int.MaxValue}{(found < 0 ? ", a whole page" : "")}"));
        }
    }

    private Leaf LeafOf(nuint address)
    {
        ref Leaf? place = ref _leaves[(int)(address >> LeafShift)];
        return Volatile.Read(ref place) ?? Interlocked.CompareExchange(ref place, new Leaf(), null) ?? place;
    }

    /// <summary>One GiB of addresses.</summary>
    private sealed class Leaf
    {
        private readonly int[]?[] _granules = new int[]?[1 << (LeafShift - PageShift)];

        /// <summary>0, the 16-byte pieces that are owned, or the owner of the whole page with the highest bit set.</summary>
        public int[] Pages { get; } = new int[1 << (LeafShift - PageShift)];

        public void Forget(int page)
        {
            if (Volatile.Read(ref Pages[page]) == 0)
            {
                Volatile.Write(ref _granules[page], null);
            }
        }

        public int[] GranulesOf(int page)
        {
            ref int[]? place = ref _granules[page];
            return Volatile.Read(ref place) ?? Interlocked.CompareExchange(ref place, new int[GranulesPerPage], null) ?? place;
        }
    }
}
