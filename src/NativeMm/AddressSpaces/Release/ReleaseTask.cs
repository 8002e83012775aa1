using NativeMm.Teardown;

namespace NativeMm.AddressSpaces;

/// <summary>The task of somebody who does not wait for a release in place.</summary>
internal static class ReleaseTask
{
    /// <summary>A task that ends with the job, which a token may cancel.</summary>
    /// <param name="job">The job; not begun.</param>
    /// <param name="cancellation">The token.</param>
    public static Task Of(TeardownJob job, CancellationToken cancellation)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        job.Completion = (failure, isDone) => Complete(ended, failure, isDone, cancellation);
        if (cancellation.CanBeCanceled)
        {
            // It lives as long as the task, which whoever has the token may forget.
            CancellationTokenRegistration registration = cancellation.UnsafeRegister(static state => ((TeardownJob)state!).Cancel(), job);
            ended.Task.ContinueWith(
                static (_, state) => ((CancellationTokenRegistration)state!).Unregister(),
                registration,
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
        }

        return ended.Task;
    }

    private static void Complete(TaskCompletionSource ended, Exception? failure, bool isDone, CancellationToken cancellation)
    {
        if (failure is not null)
        {
            ended.TrySetException(failure);
        }
        else if (isDone)
        {
            ended.TrySetResult();
        }
        else
        {
            ended.TrySetCanceled(cancellation);
        }
    }
}
