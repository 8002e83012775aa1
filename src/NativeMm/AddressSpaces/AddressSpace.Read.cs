using System.Runtime.CompilerServices;
using NativeMm.Primitives;
using StackPages = NativeMm.Platform.StackPages<NativeMm.AddressSpaces.AccessSlot>;

namespace NativeMm.AddressSpaces;

/// <content>Reading.</content>
public sealed unsafe partial class AddressSpace
{
    /// <summary>
    /// Reads a value. When its page is in memory and was used lately, this is three loads and two stores to a line of the calling thread, or a walk through the
    /// tables for addresses above 1 TiB. Thread-safe;
    /// a value that is aligned to its size, of 1, 2, 4 or 8 bytes, is read as a whole.
    /// </summary>
    /// <typeparam name="T">What is read. It may lie across two pages.</typeparam>
    /// <param name="address">Address of its first byte.</param>
    /// <returns>The value; zero where nothing was written yet.</returns>
    /// <exception cref="AddressFaultException">Nothing is mapped there, or it must not be read.</exception>
    /// <exception cref="OutOfMemoryException">There is no frame for the page.</exception>
    /// <exception cref="PageUnavailableException">The page had left memory and cannot be brought back.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Read<T>(long address)
        where T : unmanaged
    {
        nuint here = StackPages.Here;
        nuint* known = StackPages.EntryOf(here);
        ulong offset = (ulong)address & OffsetMask;
        if (StackPages.Knows(known, here) && (ulong)address >> LeafMap.Shift < LeafMap.Leaves && (sizeof(T) == 1 || (long)offset <= Pfn.FrameBytes - sizeof(T)))
        {
            AccessSlot* slot = StackPages.Of(known);
            ulong page = (ulong)address >> Pfn.FrameShift;
            ulong* leaf = HazardAccess.BeginByMap(ref AccessSlot.Word(slot, 0), _key | page, ref _leaves, (ulong)address >> LeafMap.Shift);
            if (leaf != null)
            {
                ulong entry = Atomic.LoadRelaxed(in leaf[page & LeafMask]);
                if ((entry & LeafEntry.ReadMiss) == 0)
                {
                    T value = Unsafe.ReadUnaligned<T>((void*)((entry & ~LeafEntry.FlagMask) | offset));
                    HazardAccess.End(ref slot->Access);
                    return value;
                }
            }
        }

        return ReadSlow<T>(address, here);
    }

    /// <summary>Copies bytes out. Pages are copied one after another: it is no snapshot of a range that others write to. Thread-safe.</summary>
    /// <param name="address">Address of the first byte.</param>
    /// <param name="destination">Where they go.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie below 2⁴⁷.</exception>
    /// <exception cref="AddressFaultException">A page of it is not mapped, or must not be read; what lies before it was copied.</exception>
    /// <exception cref="OutOfMemoryException">There is no frame for a page.</exception>
    /// <exception cref="PageUnavailableException">A page had left memory and cannot be brought back.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public void Read(long address, Span<byte> destination)
    {
        CheckRange(address, destination.Length);
        while (!destination.IsEmpty)
        {
            int offset = (int)((ulong)address & OffsetMask);
            int length = int.Min(destination.Length, Pfn.FrameBytes - offset);
            ReadPage((ulong)address >> Pfn.FrameShift, offset, destination[..length]);
            destination = destination[length..];
            address += length;
        }
    }

    private void ReadPage(ulong page, int offset, Span<byte> destination)
    {
        AccessSlot* slot = AccessSlots.Own();
        while (true)
        {
            ulong entry = Atomic.LoadRelaxed(in *HazardAccess.Begin(ref slot->Access, _key | page, ref _root, page));
            if ((entry & LeafEntry.ReadMiss) == 0)
            {
                new ReadOnlySpan<byte>((byte*)(entry & ~LeafEntry.FlagMask) + offset, destination.Length).CopyTo(destination);
                HazardAccess.End(ref slot->Access);
                return;
            }

            HazardAccess.End(ref slot->Access);
            Fault(page, PageAccess.Read, offset);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private T ReadSlow<T>(long address, nuint here)
        where T : unmanaged
    {
        AccessSlot* slot = AccessSlots.Own(here);
        HazardAccess.End(ref slot->Access);
        ulong offset = (ulong)address & OffsetMask;
        if ((long)offset > Pfn.FrameBytes - sizeof(T))
        {
            T split = default;
            Read(address, new Span<byte>(&split, sizeof(T)));
            return split;
        }

        CheckRange(address, sizeof(T));
        ulong page = (ulong)address >> Pfn.FrameShift;
        while (true)
        {
            // At first perhaps only the thread was not known.
            ulong entry = Atomic.LoadRelaxed(in *HazardAccess.Begin(ref slot->Access, _key | page, ref _root, page));
            bool hits = (entry & LeafEntry.ReadMiss) == 0;
            T value = hits ? Unsafe.ReadUnaligned<T>((void*)((entry & ~LeafEntry.FlagMask) | offset)) : default;
            HazardAccess.End(ref slot->Access);
            if (hits)
            {
                return value;
            }

            Fault(page, PageAccess.Read, (int)offset);
        }
    }
}
