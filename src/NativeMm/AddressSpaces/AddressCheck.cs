using System.Numerics;

namespace NativeMm.AddressSpaces;

/// <summary>Checks what callers say, and turns bytes into pages.</summary>
internal static class AddressCheck
{
    /// <summary>The pages of a length, rounded up.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive, or longer than a space.</exception>
    public static ulong Pages(long length, string name)
    {
        if (length is <= 0 or > AddressSpace.EndAddress)
        {
            throw new ArgumentOutOfRangeException(name, length, $"{name} is 1 to {AddressSpace.EndAddress} bytes, not {length}.");
        }

        return ((ulong)length + AddressSpace.PageBytes - 1) >> AddressSpace.PageShift;
    }

    /// <summary>The pages of a range, anywhere in a space.</summary>
    /// <exception cref="ArgumentException">The address is no multiple of a page, or the range is not within a space.</exception>
    public static VpnRange Range(long address, long length) => Range(address, Pages(length, nameof(length)), 0, nameof(address));

    /// <summary>The pages of a range where something is to be mapped.</summary>
    /// <exception cref="ArgumentException">The address is no multiple of a page, or nothing can be mapped there.</exception>
    public static VpnRange FixedRange(long address, ulong pages, string name) => Range(address, pages, AddressSpace.LowestAddress, name);

    /// <summary>The page of a hint, rounded up; a hint that cannot be is none.</summary>
    public static ulong Hint(long address) =>
        address is <= 0 or >= AddressSpace.EndAddress ? 0 : ((ulong)address + AddressSpace.PageBytes - 1) >> AddressSpace.PageShift;

    /// <summary>Checks a protection.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none.</exception>
    public static void Defined(Protection protection)
    {
        if (!Enum.IsDefined(protection))
        {
            throw new ArgumentOutOfRangeException(nameof(protection), protection, $"protection is None, Read or ReadWrite, not {protection}.");
        }
    }

    /// <summary>Checks the flags of a map.</summary>
    /// <exception cref="ArgumentException">There is no such flag, or two exclude each other.</exception>
    public static void Flags(MapFlags flags)
    {
        const MapFlags Places = MapFlags.Fixed | MapFlags.FixedNoReplace;
        if ((flags & ~(Places | MapFlags.GrowsDown | MapFlags.HugePages)) != 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(flags), flags, $"flags are of Fixed, FixedNoReplace, GrowsDown and HugePages, not {flags}.");
        }

        if ((flags & Places) == Places)
        {
            throw new ArgumentException("Fixed replaces what is mapped there and FixedNoReplace does not: ask for one of the two.", nameof(flags));
        }
    }

    /// <summary>Checks the flags of a remap.</summary>
    /// <exception cref="ArgumentException">There is no such flag, or one needs another.</exception>
    public static void Flags(RemapFlags flags, bool isSameLength)
    {
        const RemapFlags NeedsMove = RemapFlags.Fixed | RemapFlags.KeepSource;
        if ((flags & ~(NeedsMove | RemapFlags.MayMove)) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(flags), flags, $"flags are of MayMove, Fixed and KeepSource, not {flags}.");
        }

        if ((flags & NeedsMove) != 0 && (flags & RemapFlags.MayMove) == 0)
        {
            throw new ArgumentException($"{flags} needs MayMove as well.", nameof(flags));
        }

        if ((flags & RemapFlags.KeepSource) != 0 && !isSameLength)
        {
            throw new ArgumentException("KeepSource needs newLength to be oldLength.", nameof(flags));
        }
    }

    /// <summary>Checks that two ranges have no page together.</summary>
    /// <exception cref="ArgumentException">They have.</exception>
    public static void Apart(VpnRange source, VpnRange destination)
    {
        if (!source.Intersect(destination).IsEmpty)
        {
            throw new ArgumentException($"The new place {destination} overlaps the old one, {source}.", nameof(destination));
        }
    }

    private static VpnRange Range(long address, ulong pages, long lowest, string name)
    {
        if (BitOperations.TrailingZeroCount(address) < AddressSpace.PageShift && address != 0)
        {
            throw new ArgumentException($"{name} is a multiple of {AddressSpace.PageBytes}, not 0x{address:x}.", name);
        }

        long last = AddressSpace.EndAddress - ((long)pages << AddressSpace.PageShift);
        if (last < lowest)
        {
            throw new ArgumentOutOfRangeException(
                name,
                address,
                $"A range from 0x{lowest:x} on has at most {AddressSpace.EndAddress - lowest} bytes, not {(long)pages << AddressSpace.PageShift}.");
        }

        if (address < lowest || address > last)
        {
            throw new ArgumentOutOfRangeException(
                name,
                address,
                $"{name} is 0x{lowest:x} to 0x{last:x} for {(long)pages << AddressSpace.PageShift} bytes, not 0x{address:x}.");
        }

        ulong page = (ulong)address >> AddressSpace.PageShift;
        return new VpnRange(page, page + pages);
    }
}
