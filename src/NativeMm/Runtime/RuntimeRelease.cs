using System.Diagnostics.CodeAnalysis;
using NativeMm.Platform;
using NativeMm.Teardown;

namespace NativeMm.Runtime;

/// <summary>
/// The end of a runtime in the background: a thread of its own, because the workers go on the way. Made before anything is decided: it takes managed memory.
/// </summary>
internal sealed class RuntimeRelease
{
    private readonly TaskCompletionSource _source = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action<ReleaseWatch> _end;
    private readonly CancellationToken _token;
    private readonly Thread _thread;
    private readonly CancellationTokenRegistration _registration;

    /// <summary>Makes it.</summary>
    /// <param name="end">Ends everything; may be called again after an <see cref="OperationCanceledException"/>.</param>
    /// <param name="watch">Who looks on.</param>
    /// <param name="token">Stops it between two steps.</param>
    public RuntimeRelease(Action<ReleaseWatch> end, ReleaseWatch watch, CancellationToken token)
    {
        (_end, Watch, _token) = (end, watch, token);
        _thread = new Thread(Run, maxStackSize: 256 << 10)
        {
            IsBackground = true,
            Name = "NativeMm end",
            Priority = ThreadPriority.BelowNormal,
        };
        _registration = token.UnsafeRegister(static watch => ((ReleaseWatch)watch!).Cancel(), watch);
    }

    /// <summary>Who looks on.</summary>
    public ReleaseWatch Watch { get; }

    /// <summary>Ends when all memory is back.</summary>
    public Task Task => _source.Task;

    /// <summary>It is not needed: somebody else ends the runtime. Whoever has the token forgets it.</summary>
    public void Forget() => _registration.Unregister();

    /// <summary>Starts the thread; where there is none to be had, the caller does the work.</summary>
    /// <param name="mayEndHere">Whether the caller may: one for whom the end waits may not, and the next end goes on.</param>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "The work is done without the thread.")]
    public void Start(bool mayEndHere)
    {
        try
        {
            _thread.Start();
        }
        catch (Exception failure)
        {
            if (mayEndHere)
            {
                End();
                return;
            }

            _registration.Unregister();
            _source.TrySetException(failure);
        }
    }

    private void Run()
    {
        _ = ThreadScheduling.LowerPriority();
        End();
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It reaches whoever waits.")]
    private void End()
    {
        try
        {
            _end(Watch);
            Watch.Complete();
            _registration.Unregister();
            if (Watch.Failure is { } failure)
            {
                _source.TrySetException(failure);
            }

            _source.TrySetResult();
        }
        catch (OperationCanceledException) when (Watch.IsCancelled)
        {
            _registration.Unregister();
            _source.TrySetCanceled(_token);
        }
        catch (Exception failure)
        {
            _registration.Unregister();
            _source.TrySetException(failure);
        }
    }
}
