using System.Diagnostics.Tracing;

namespace NativeMm.Diagnostics;

/// <summary>
/// Events for what is rare and slow; nothing on a hot path writes one. Listeners run inside of the call, so whoever writes an event holds no lock of
/// the library; and what a listener itself does here leaves no event, or one that rents memory would call itself without end.
/// </summary>
[EventSource(Name = "NativeMm")]
internal sealed class NativeMmEventSource : EventSource
{
    /// <summary>The one of this process.</summary>
    public static readonly NativeMmEventSource Log = new();

    /// <summary>Whether this thread is inside of an event's listeners.</summary>
    [ThreadStatic]
    private static bool t_isWriting;

    private const int TrimPassId = 1;
    private const int OutOfMemoryId = 2;
    private const int MemoryFaultId = 3;
    private const int DeadThreadAdoptedId = 4;
    private const int ReportingFailedId = 5;
    private const int PurgeNotifierFailedId = 6;
    private const int BackgroundPassFailedId = 7;
    private const int EnvironmentIgnoredId = 8;

    private NativeMmEventSource()
    {
    }

    /// <summary>A trim is over.</summary>
    /// <param name="returnedBytes">What went back to the operating system.</param>
    /// <param name="retainedBytes">What is kept for the next allocations.</param>
    /// <param name="durationMicroseconds">How long it took.</param>
    [Event(TrimPassId, Level = EventLevel.Informational, Message = "Trim gave {0} bytes back, kept {1}, took {2} µs")]
    public void TrimPass(long returnedBytes, long retainedBytes, long durationMicroseconds)
    {
        if (TryBegin())
        {
            WriteEvent(TrimPassId, returnedBytes, retainedBytes, durationMicroseconds);
            t_isWriting = false;
        }
    }

    /// <summary>An allocation failed although the shrinkers had run.</summary>
    /// <param name="requestedBytes">What was asked for.</param>
    /// <param name="freeBytes">What is free, in pieces that were too small.</param>
    /// <param name="limitBytes">What may be had at most.</param>
    [Event(OutOfMemoryId, Level = EventLevel.Error, Message = "Out of memory: asked for {0} bytes, {1} free of {2}")]
    public void OutOfMemory(long requestedBytes, long freeBytes, long limitBytes)
    {
        if (TryBegin())
        {
            WriteEvent(OutOfMemoryId, requestedBytes, freeBytes, limitBytes);
            t_isWriting = false;
        }
    }

    /// <summary>A caller's mistake was found. It is counted in any case.</summary>
    [NonEvent]
    public void MemoryFault(MemoryFaultKind kind, nuint address, string message)
    {
        MemoryFaultCounts.Add(kind);
        if (IsEnabled())
        {
            MemoryFault(kind.ToString(), $"0x{address:x}", message);
        }
    }

    /// <summary>What a thread that died had kept for itself was taken over.</summary>
    /// <param name="structure">What it is part of.</param>
    /// <param name="bytes">How much it is.</param>
    [Event(DeadThreadAdoptedId, Level = EventLevel.Informational, Message = "Adopted {1} bytes of a dead thread ({0})")]
    public void DeadThreadAdopted(string structure, long bytes)
    {
        if (TryBegin())
        {
            WriteEvent(DeadThreadAdoptedId, structure, bytes);
            t_isWriting = false;
        }
    }

    /// <summary>A reporting device failed or threw; the blocks stay free and unreported.</summary>
    /// <param name="failure">Which device, and what it said.</param>
    /// <param name="blocks">How many blocks it was told of.</param>
    [Event(ReportingFailedId, Level = EventLevel.Warning, Message = "Reporting {1} free blocks failed: {0}")]
    public void ReportingFailed(string failure, int blocks)
    {
        if (TryBegin())
        {
            WriteEvent(ReportingFailedId, failure, blocks);
            t_isWriting = false;
        }
    }

    /// <summary>Somebody who was asked to give ranges up threw; the others were asked all the same.</summary>
    /// <param name="failure">What was thrown.</param>
    /// <param name="bytes">How much was asked for.</param>
    [Event(PurgeNotifierFailedId, Level = EventLevel.Warning, Message = "A purge notifier that was asked for {1} bytes failed: {0}")]
    public void PurgeNotifierFailed(string failure, long bytes)
    {
        if (TryBegin())
        {
            WriteEvent(PurgeNotifierFailedId, failure, bytes);
            t_isWriting = false;
        }
    }

    /// <summary>A pass of a background thread ended with an exception; the next one comes.</summary>
    /// <param name="thread">Which thread.</param>
    /// <param name="failure">What happened.</param>
    [Event(BackgroundPassFailedId, Level = EventLevel.Error, Message = "A pass of {0} failed: {1}")]
    public void BackgroundPassFailed(string thread, string failure)
    {
        if (TryBegin())
        {
            WriteEvent(BackgroundPassFailedId, thread, failure);
            t_isWriting = false;
        }
    }

    /// <summary>The environment asks for something that it does not get.</summary>
    /// <param name="note">Which variable, and why.</param>
    [Event(EnvironmentIgnoredId, Level = EventLevel.Warning, Message = "{0}")]
    public void EnvironmentIgnored(string note)
    {
        if (TryBegin())
        {
            WriteEvent(EnvironmentIgnoredId, note);
            t_isWriting = false;
        }
    }

    [Event(MemoryFaultId, Level = EventLevel.Critical, Message = "{2}")]
    private void MemoryFault(string kind, string address, string message)
    {
        if (TryBegin())
        {
            WriteEvent(MemoryFaultId, kind, address, message);
            t_isWriting = false;
        }
    }

    // A source that is not asked to throws nothing that its listeners do, so the mark needs no finally block to go. A thread's first look at its mark
    // may need managed memory: without any there is no event, as there would be none for the listener's arguments.
    [NonEvent]
    private bool TryBegin()
    {
        if (!IsEnabled())
        {
            return false;
        }

        try
        {
            bool isFirst = !t_isWriting;
            t_isWriting = true;
            return isFirst;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }
}
