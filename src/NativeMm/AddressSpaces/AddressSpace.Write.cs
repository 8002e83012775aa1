using System.Runtime.CompilerServices;
using NativeMm.Primitives;
using StackPages = NativeMm.Platform.StackPages<NativeMm.AddressSpaces.AccessSlot>;

namespace NativeMm.AddressSpaces;

/// <content>Writing.</content>
public sealed unsafe partial class AddressSpace
{
    /// <summary>
    /// Writes a value. When its page is in memory and was written lately, this is three loads, two stores to a line of the calling thread, and the store, or a walk through the tables for
    /// addresses above 1 TiB. Thread-safe; a value that is aligned to its size, of 1, 2, 4 or 8 bytes, is written as a whole.
    /// </summary>
    /// <typeparam name="T">What is written. It may lie across two pages.</typeparam>
    /// <param name="address">Address of its first byte.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="AddressFaultException">Nothing is mapped there, or it must not be written.</exception>
    /// <exception cref="OutOfMemoryException">There is no frame for the page.</exception>
    /// <exception cref="PageUnavailableException">The page had left memory and cannot be brought back.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write<T>(long address, T value)
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
                if ((entry & LeafEntry.WriteMiss) == 0)
                {
                    // An entry that hits for writing has no flag: it is the frame's address.
                    Unsafe.WriteUnaligned((void*)(entry | offset), value);
                    HazardAccess.End(ref slot->Access);
                    return;
                }
            }
        }

        WriteSlow(address, value, here);
    }

    /// <summary>Copies bytes in. Pages are copied one after another. Thread-safe.</summary>
    /// <param name="address">Address of the first byte.</param>
    /// <param name="source">What is written.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie below 2⁴⁷.</exception>
    /// <exception cref="AddressFaultException">A page of it is not mapped, or must not be written; what lies before it was written.</exception>
    /// <exception cref="OutOfMemoryException">There is no frame for a page.</exception>
    /// <exception cref="PageUnavailableException">A page had left memory and cannot be brought back.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public void Write(long address, ReadOnlySpan<byte> source)
    {
        CheckRange(address, source.Length);
        while (!source.IsEmpty)
        {
            int offset = (int)((ulong)address & OffsetMask);
            int length = int.Min(source.Length, Pfn.FrameBytes - offset);
            WritePage((ulong)address >> Pfn.FrameShift, offset, source[..length]);
            source = source[length..];
            address += length;
        }
    }

    private void WritePage(ulong page, int offset, ReadOnlySpan<byte> source)
    {
        AccessSlot* slot = AccessSlots.Own();
        while (true)
        {
            ulong entry = Atomic.LoadRelaxed(in *HazardAccess.Begin(ref slot->Access, _key | page, ref _root, page));
            if ((entry & LeafEntry.WriteMiss) == 0)
            {
                source.CopyTo(new Span<byte>((byte*)(entry & ~LeafEntry.FlagMask) + offset, source.Length));
                HazardAccess.End(ref slot->Access);
                return;
            }

            HazardAccess.End(ref slot->Access);
            Fault(page, PageAccess.Write, offset);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WriteSlow<T>(long address, T value, nuint here)
        where T : unmanaged
    {
        AccessSlot* slot = AccessSlots.Own(here);
        HazardAccess.End(ref slot->Access);
        ulong offset = (ulong)address & OffsetMask;
        if ((long)offset > Pfn.FrameBytes - sizeof(T))
        {
            Write(address, new ReadOnlySpan<byte>(&value, sizeof(T)));
            return;
        }

        CheckRange(address, sizeof(T));
        ulong page = (ulong)address >> Pfn.FrameShift;
        while (true)
        {
            // At first perhaps only the thread was not known.
            ulong entry = Atomic.LoadRelaxed(in *HazardAccess.Begin(ref slot->Access, _key | page, ref _root, page));
            bool hits = (entry & LeafEntry.WriteMiss) == 0;
            if (hits)
            {
                Unsafe.WriteUnaligned((void*)((entry & ~LeafEntry.FlagMask) | offset), value);
            }

            HazardAccess.End(ref slot->Access);
            if (hits)
            {
                return;
            }

            Fault(page, PageAccess.Write, (int)offset);
        }
    }
}
