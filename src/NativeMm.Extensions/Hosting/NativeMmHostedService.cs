using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using NativeMm.Runtime;

namespace NativeMm.Extensions;

/// <summary>
/// Makes the runtime at the start: what is wrong with it stops the start, not the first request. The container disposes it, after the server. The budget runs
/// only where a limit is set, and begins once the host has started as a whole: what a host began that fails to start, nobody ends.
/// </summary>
/// <param name="services">The container.</param>
/// <param name="options">The options.</param>
/// <param name="lifetime">Tells when the host has started.</param>
internal sealed class NativeMmHostedService(IServiceProvider services, IOptions<NativeMmOptions> options, IHostApplicationLifetime lifetime) : IHostedService
{
    private MemoryBudgetService? _budget;
    private CancellationTokenRegistration _started;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _ = services.GetRequiredService<MemoryRuntime>().Options;
        services.GetRequiredService<ProcessMeter>().Publish();
        if (options.Value.TotalMemoryLimit is not null)
        {
            MemoryBudgetService budget = services.GetRequiredService<MemoryBudgetService>();
            _budget = budget;

            // Those that cannot be made stop the start.
            _ = services.GetServices<IMemoryPressureHandler>();

            // Weakly: the framework keeps the lifetime of a host that failed to start and that nobody disposed, and the runtime would stay with it for ever.
            _started = lifetime.ApplicationStarted.Register(static held => Begin((WeakReference<MemoryBudgetService>)held!), new WeakReference<MemoryBudgetService>(budget));
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        // Waits for a beginning that is at work.
        _started.Dispose();
        return _budget?.EndAsync(cancellationToken) ?? Task.CompletedTask;
    }

    private static void Begin(WeakReference<MemoryBudgetService> held)
    {
        if (held.TryGetTarget(out MemoryBudgetService? budget))
        {
            budget.Begin();
        }
    }
}
