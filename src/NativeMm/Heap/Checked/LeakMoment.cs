namespace NativeMm.Heap.Checked;

/// <summary>When a leak report was made.</summary>
internal enum LeakMoment
{
    /// <summary>Somebody asked; the heap is in use.</summary>
    Asked,

    /// <summary>The heap was disposed.</summary>
    Dispose,

    /// <summary>The process ends.</summary>
    ProcessExit,
}
