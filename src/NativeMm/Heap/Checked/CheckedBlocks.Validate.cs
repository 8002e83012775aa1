using NativeMm.Diagnostics;

namespace NativeMm.Heap.Checked;

internal sealed unsafe partial class CheckedBlocks
{
    /// <summary>Checks the red zones of every live block and the poison of every block in quarantine. May run beside other calls.</summary>
    /// <exception cref="MemoryFaultException">The first damage found. Nothing is changed: a second call finds it again.</exception>
    public void Validate()
    {
        ThrowIfDisposed();
        if (FindDamage() is { } fault)
        {
            throw fault;
        }
    }

    private MemoryFaultException? FindDamage()
    {
        MemoryFaultException? fault = null;
        _ledger.VisitLive(block => fault ??= FindOverrun(block));
        _quarantine.Visit(block => fault ??= FindLateWrite(block));
        return fault;
    }

    private MemoryFaultException? FindOverrun(CheckedBlock block)
    {
        if (BlockPaint.TryFindDamage(block.Address + block.Bytes, _redZoneBytes, BlockPaint.RedZone, out nuint damaged))
        {
            return Overrun(block, damaged, $"{damaged - block.Address - block.Bytes} bytes past its end");
        }

        nuint front = block.Address - _redZoneBytes;
        return BlockPaint.TryFindDamage(front, _redZoneBytes, BlockPaint.RedZone, out damaged)
            ? Overrun(block, damaged, $"{block.Address - damaged} bytes before its start")
            : null;
    }

    private MemoryFaultException? FindLateWrite(CheckedBlock block)
    {
        bool found = BlockPaint.TryFindDamage(block.Address, block.Bytes, BlockPaint.Poison, out nuint damaged)
            || BlockPaint.TryFindDamage(block.Address + block.Bytes, _redZoneBytes, BlockPaint.RedZone, out damaged)
            || BlockPaint.TryFindDamage(block.Address - _redZoneBytes, _redZoneBytes, BlockPaint.RedZone, out damaged);
        return found ? UseAfterFree(block, damaged, *(byte*)damaged) : null;
    }
}
