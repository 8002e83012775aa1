namespace NativeMm.AddressSpaces;

/// <summary>
/// Who keeps the number of a space's pages in frames down. A page that gets a frame needs a charge, a number below the limit, which is taken before and without a
/// lock. What is told of pages is told under the lock of the page's leaf; it waits for nobody and calls nobody there.
/// </summary>
internal abstract class Residency : IDisposable
{
    /// <summary>Takes a charge.</summary>
    /// <param name="charge">The number plus 1; 0 when the limit is reached.</param>
    public abstract bool TryCharge(out uint charge);

    /// <summary>Gives a charge back that no page has got.</summary>
    public abstract void Uncharge(uint charge);

    /// <summary>Makes room for a charge, on the calling thread, which holds no lock and has no hazard.</summary>
    /// <returns>Whether it is worth another attempt.</returns>
    public abstract bool TryMakeRoom();

    /// <summary>What to say when there is no room.</summary>
    public abstract OutOfMemoryException OutOfRoom();

    /// <summary>A page has got a frame, and its charge.</summary>
    /// <param name="page">The page.</param>
    /// <param name="frame">Number of the frame.</param>
    /// <param name="charge">The charge.</param>
    /// <param name="history">What was remembered of the page.</param>
    public abstract void Installed(ulong page, uint frame, uint charge, uint history);

    /// <summary>A page has lost its frame, and its charge is free.</summary>
    public abstract void Removed(uint frame);

    /// <summary>A page has got another frame, and keeps its charge.</summary>
    public abstract void Replaced(uint frame, uint newFrame);

    /// <summary>The page in a frame has another number.</summary>
    public abstract void Moved(ulong page, uint frame);

    /// <summary>Lets no page leave any more, and waits for the work in the background. Pages may still be removed.</summary>
    public abstract void Stop();

    /// <summary>Frees pages on the calling thread, which holds no lock and has no hazard.</summary>
    /// <param name="pages">How many are wanted.</param>
    /// <returns>How many left.</returns>
    public abstract long Reclaim(long pages);

    /// <summary>What a background job does.</summary>
    public abstract void RunInBackground();

    /// <summary>Counts.</summary>
    public abstract ReclaimStatistics GetStatistics();

    /// <summary>Keeps pages from leaving, and waits for those that are about to, until <see cref="Resume"/>.</summary>
    public abstract void Pause();

    /// <summary>Ends what <see cref="Pause"/> began, on the same thread.</summary>
    public abstract void Resume();

    /// <summary>Checks the charges against the tables, at rest.</summary>
    public abstract void Validate(long residentPages);

    /// <summary>Frees the bookkeeping, after the tables.</summary>
    public abstract void Dispose();
}
