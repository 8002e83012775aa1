using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <content>Before a request fails: what is kept for later is given up, step by step, and then others are asked to give.</content>
public sealed unsafe partial class VmapAllocator
{
    // Whether this thread is inside of a notifier, of whichever allocator: what fails there asks nobody, or notifiers would call each other without end.
    [ThreadStatic]
    private static bool t_isAsking;

    // The reporter: whoever misses frames waits for the blocks that it has isolated before he gives anything up.
    private readonly ShrinkerList _isolators = new();
    private readonly Registrations<Action<nuint>> _notifiers = new();

    /// <summary>
    /// Registers somebody who may give ranges or frames up when a request of <see cref="Alloc"/>, <see cref="Realloc"/>, <see cref="Map"/>,
    /// <see cref="MapRam"/> or <see cref="AllocateFrames"/> cannot be served, also after a purge. Called on the thread that asks, without any lock;
    /// it may free and unmap.
    /// </summary>
    /// <remarks>
    /// A request that fails inside of a notifier asks no notifier of any allocator. A notifier that throws has given nothing: the others are asked all the
    /// same, the request goes on, and the event source <c>NativeMm</c> tells of the exception.
    /// </remarks>
    /// <param name="notifier">Is told how many bytes are wanted.</param>
    /// <exception cref="ArgumentNullException">The notifier is null.</exception>
    public void AddPurgeNotifier(Action<nuint> notifier)
    {
        ArgumentNullException.ThrowIfNull(notifier);
        _notifiers.Add(notifier);
    }

    /// <summary>Takes a registration back.</summary>
    /// <param name="notifier">What was registered; unknown ones are ignored.</param>
    /// <exception cref="ArgumentNullException">The notifier is null.</exception>
    public void RemovePurgeNotifier(Action<nuint> notifier)
    {
        ArgumentNullException.ThrowIfNull(notifier);
        _notifiers.Remove(notifier);
    }

    /// <summary>The steps of a request, before the first one.</summary>
    private ReclaimSteps StepsFor(nuint bytes) => new(_isolators, PagesOf(bytes));

    /// <summary>
    /// The next step towards room for a request that found none: first the frames that are under report at this moment, then what is lazy, then the
    /// pools and idle blocks too, then what the notifiers give.
    /// </summary>
    /// <param name="steps">Those of this request.</param>
    /// <param name="outcome">What the request ran out of.</param>
    /// <param name="bytes">What it asks for.</param>
    /// <returns>Whether to try again.</returns>
    private bool TryReclaim(ref ReclaimSteps steps, VmapOutcome outcome, nuint bytes)
    {
        Invariant.Assert(outcome != VmapOutcome.Success && steps.Step >= 0, $"Step {steps.Step} of reclaim is taken after {outcome}.");
        if (outcome is VmapOutcome.TooLong or VmapOutcome.FrameGone)
        {
            return false;
        }

        // Frames are missing that may only be on their way to the device and back: they are free, and nothing has to be given up for them.
        if (outcome == VmapOutcome.NoFrames && steps.Isolated.Next(((IFrameSource)_frames).ReadIsolation()))
        {
            return true;
        }

        if (steps.Step == 0 && !MayHelp(outcome, bytes))
        {
            steps.Step = 2;
        }

        switch (steps.Step++)
        {
            case 0:
                PurgeAndWait();
                return true;
            case 1:
                PurgeEverything();
                return true;
            case 2 when AskNotifiers(bytes):
                PurgeEverything();
                return true;
            default:
                return false;
        }
    }

    /// <summary>Whether there can be enough in what is kept for later. Then the pools need not be emptied for nothing.</summary>
    private bool MayHelp(VmapOutcome outcome, nuint bytes) =>
        _canMap && (outcome != VmapOutcome.NoRange
            || FreePages() + LazyPages + CountPools().Pages + Atomic.LoadAcquire(ref _blockPages) >= PagesOf(bytes));

    private bool AskNotifiers(nuint bytes)
    {
        if (t_isAsking)
        {
            return false;
        }

        bool anyAsked = false;
        t_isAsking = true;
        try
        {
            foreach (Action<nuint> notifier in _notifiers.View)
            {
                anyAsked = true;
                Ask(notifier, bytes);
            }
        }
        finally
        {
            // Telling of a failure may fail for want of managed memory.
            t_isAsking = false;
        }

        return anyAsked;
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "The request has to go on, whatever a notifier throws.")]
    private static void Ask(Action<nuint> notifier, nuint bytes)
    {
        try
        {
            notifier(bytes);
        }
        catch (Exception failure)
        {
            NativeMmEventSource.Log.PurgeNotifierFailed(FailureText.Of(failure), (long)bytes);
        }
    }
}
