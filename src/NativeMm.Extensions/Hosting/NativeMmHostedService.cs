using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using NativeMm.Runtime;

namespace NativeMm.Extensions;

/// <summary>
/// Makes the runtime at the start: what is wrong with it stops the start, not the first request. The container disposes it, after the server. The budget runs
/// only where a limit is set, and begins once all services have started: what a host began that fails to start, nobody ends.
/// </summary>
/// <param name="services">The container.</param>
/// <param name="options">The options.</param>
internal sealed class NativeMmHostedService(IServiceProvider services, IOptions<NativeMmOptions> options) : IHostedLifecycleService
{
    private MemoryBudgetService? _budget;

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _ = services.GetRequiredService<MemoryRuntime>().Options;
        services.GetRequiredService<ProcessMeter>().Publish();
        _budget = options.Value.TotalMemoryLimit is null ? null : services.GetRequiredService<MemoryBudgetService>();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => _budget?.StartAsync(cancellationToken) ?? Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => _budget?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
