using System.Diagnostics;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Heap.Checked;

internal sealed unsafe partial class CheckedBlocks
{
    /// <summary>Allocates a block with red zones around it.</summary>
    /// <param name="bytes">Length of the caller's part; 0 gives a unique address.</param>
    /// <param name="alignment">Power of two; less than 16 counts as 16.</param>
    /// <param name="zeroed">Whether the block must read as zero; if not, it is filled with junk.</param>
    /// <returns>The block, or null when there is no memory.</returns>
    public void* Alloc(nuint bytes, nuint alignment, bool zeroed)
    {
        ThrowIfDisposed();
        if (PatrolQuarantine() is { } fault)
        {
            throw fault;
        }

        return AllocUnpatrolled(bytes, alignment, zeroed);
    }

    private void* AllocUnpatrolled(nuint bytes, nuint alignment, bool zeroed)
    {
        Invariant.Check(nuint.IsPow2(alignment), $"Alignment {alignment} is not a power of two.");
        alignment = Math.Max(alignment, AlignmentMin);
        nuint front = (_redZoneBytes + alignment - 1) & ~(alignment - 1);
        nuint rawBytes = front + bytes + _redZoneBytes;
        if (rawBytes < bytes || front < _redZoneBytes)
        {
            return null;
        }

        nuint raw = RawAlloc(rawBytes, alignment, zeroed);
        return raw == 0 ? null : (void*)Enter(raw, rawBytes, raw + front, bytes, alignment, zeroed);
    }

    private nuint RawAlloc(nuint rawBytes, nuint alignment, bool zeroed)
    {
        nuint raw = (nuint)_raw.RawAlloc(rawBytes, alignment, zeroed);
        if (raw == 0 && _quarantine.Count().Blocks > 0)
        {
            // What is in quarantine is memory that the caller gave back: it must not be the reason for running out.
            if (EmptyQuarantine() is { } fault)
            {
                throw fault;
            }

            raw = (nuint)_raw.RawAlloc(rawBytes, alignment, zeroed);
        }

        return raw;
    }

    private nuint Enter(nuint raw, nuint rawBytes, nuint address, nuint bytes, nuint alignment, bool zeroed)
    {
        Invariant.Assert(
            address % alignment == 0 && address - raw >= _redZoneBytes && address + bytes + _redZoneBytes <= raw + rawBytes,
            $"A checked block of {bytes} bytes at 0x{address:x} has no room for its red zones in {rawBytes} at 0x{raw:x}.");
        try
        {
            if (!zeroed)
            {
                BlockPaint.Fill(address, Math.Min(bytes, BlockPaint.JunkBytesMax), BlockPaint.Junk);
            }

            var block = new CheckedBlock(address, bytes, raw, rawBytes, alignment, SampleStack());
            PaintRedZones(block);
            _ledger.Add(block);
            return address;
        }
        catch (OutOfMemoryException)
        {
            _raw.RawFree((void*)raw);
            throw;
        }
    }

    private StackTrace? SampleStack()
    {
        long number = Atomic.Add(ref _totalAllocations, 1);
        if (_stackSampleInterval == 0 || (number - 1) % _stackSampleInterval != 0)
        {
            return null;
        }

        Atomic.Add(ref _sampledStacks, 1);
        return AllocationStack.Capture();
    }

    private void PaintRedZones(CheckedBlock block)
    {
        BlockPaint.Fill(block.Address - _redZoneBytes, _redZoneBytes, BlockPaint.RedZone);
        BlockPaint.Fill(block.Address + block.Bytes, _redZoneBytes, BlockPaint.RedZone);
    }
}
