using System.Runtime.CompilerServices;
using NativeMm.Primitives;
using StackPages = NativeMm.Platform.StackPages<NativeMm.AddressSpaces.AccessSlot>;

namespace NativeMm.AddressSpaces;

/// <content>Leases: bytes in place, for as long as a thread stays inside a method.</content>
public sealed unsafe partial class AddressSpace
{
    /// <summary>Leases of a space and all others that one thread may hold at a time.</summary>
    public const int LeasesPerThreadMax = AccessSlot.LeasesMax;

    /// <summary>Bytes to read in place. Dispose the lease on the same thread, soon. Thread-safe.</summary>
    /// <param name="address">Address of the first byte.</param>
    /// <param name="length">How many are wanted, at least 1; the lease ends where the memory is not in one piece, at the end of a page or within 2 MiB.</param>
    /// <returns>The lease; its span may be shorter than was asked for, and has one byte at least.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie below 2⁴⁷, or is empty.</exception>
    /// <exception cref="InvalidOperationException">The thread holds <see cref="LeasesPerThreadMax"/> leases.</exception>
    /// <exception cref="AddressFaultException">The first page is not mapped, or must not be read.</exception>
    /// <exception cref="OutOfMemoryException">There is no frame for the page.</exception>
    /// <exception cref="PageUnavailableException">The page had left memory and cannot be brought back.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadLease LeaseRead(long address, int length)
    {
        byte* first = TryLeaseFirst(address, length, LeafEntry.ReadMiss, out ulong* word, out ulong hazard);
        return first != null ? new ReadLease(word, hazard, first, length) : LeaseReadSlow(address, length);
    }

    /// <summary>Bytes to write in place; as <see cref="LeaseRead"/>.</summary>
    /// <inheritdoc cref="LeaseRead"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public WriteLease LeaseWrite(long address, int length)
    {
        byte* first = TryLeaseFirst(address, length, LeafEntry.WriteMiss, out ulong* word, out ulong hazard);
        return first != null ? new WriteLease(word, hazard, first, length) : LeaseWriteSlow(address, length);
    }

    /// <summary>A hit: the thread is known and has no lease in its first word, and a page that is there has all of it. Null for everything else.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* TryLeaseFirst(long address, int length, ulong mask, out ulong* word, out ulong hazard)
    {
        nuint here = StackPages.Here;
        nuint* known = StackPages.EntryOf(here);
        ulong offset = (ulong)address & OffsetMask;
        ulong page = (ulong)address >> Pfn.FrameShift;
        hazard = _key | page;
        word = null;
        if (StackPages.Knows(known, here) && (ulong)address >> LeafMap.Shift < LeafMap.Leaves && (uint)(length - 1) < Pfn.FrameBytes - (uint)offset)
        {
            AccessSlot* slot = StackPages.Of(known);
            word = &slot->Lease0;
            if (*word == 0)
            {
                ulong* leaf = HazardAccess.BeginByMap(ref *word, hazard, ref _leaves, (ulong)address >> LeafMap.Shift);
                if (leaf != null)
                {
                    ulong entry = Atomic.LoadRelaxed(in leaf[page & LeafMask]);
                    if ((entry & mask) == 0)
                    {
                        return (byte*)((entry & ~LeafEntry.FlagMask) | offset);
                    }
                }

                HazardAccess.End(ref *word);
            }
        }

        return null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ReadLease LeaseReadSlow(long address, int length)
    {
        byte* first = Lease(address, ref length, PageAccess.Read, out ulong* word);
        return new ReadLease(word, *word, first, length);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private WriteLease LeaseWriteSlow(long address, int length)
    {
        byte* first = Lease(address, ref length, PageAccess.Write, out ulong* word);
        return new WriteLease(word, *word, first, length);
    }

    private byte* Lease(long address, ref int length, PageAccess access, out ulong* word)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        CheckRange(address, length);
        word = LeaseWords.Find(AccessSlots.Own());
        ulong page = (ulong)address >> Pfn.FrameShift;
        int offset = (int)((ulong)address & OffsetMask);
        int inPage = Pfn.FrameBytes - offset;
        ulong mask = access == PageAccess.Write ? LeafEntry.WriteMiss : LeafEntry.ReadMiss;
        ulong hazard = _key | page | (length > inPage ? Hazard.WholeLeaf : 0);
        while (true)
        {
            ulong* entry = HazardAccess.Begin(ref *word, hazard, ref _root, page);
            ulong value = Atomic.LoadRelaxed(in *entry);
            if ((value & mask) == 0)
            {
                length = int.Min(length, inPage + RunBehind(entry, value, page, length - inPage, mask));
                return (byte*)(value & ~LeafEntry.FlagMask) + offset;
            }

            HazardAccess.End(ref *word);
            Fault(page, access, offset);
        }
    }

    /// <summary>Bytes of the pages behind one that follow it in memory and hit as well. The hazard is for all of the leaf.</summary>
    private static int RunBehind(ulong* entry, ulong value, ulong page, int wanted, ulong mask)
    {
        int run = 0;
        ulong last = page | (SharedTables.Entries - 1);
        ulong address = value & ~LeafEntry.FlagMask;
        while (run < wanted && page < last)
        {
            entry++;
            page++;
            address += Pfn.FrameBytes;
            ulong next = Atomic.LoadAcquire(in *entry);
            if ((next & mask) != 0 || (next & ~LeafEntry.FlagMask) != address || (next & LeafEntry.Zero) != 0)
            {
                break;
            }

            run += Pfn.FrameBytes;
        }

        return run;
    }
}
