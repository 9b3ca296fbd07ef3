"""Tables of the ledger, of statements, payouts, the gateway, and of notices"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('bank_mapping',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('bank', sa.String(length=60), nullable=False),
    sa.Column('header_digest', sa.String(length=64), nullable=False),
    sa.Column('columns', sa.JSON(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['user_account.id'], name=op.f('fk_bank_mapping_changed_by_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_mapping')),
    sa.UniqueConstraint('header_digest', name=op.f('uq_bank_mapping_header_digest'))
    )
    op.create_table('bank_statement',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('filename', sa.String(length=200), nullable=False),
    sa.Column('content', sa.Text(), nullable=True),
    sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('uploaded_by_id', sa.Integer(), nullable=False),
    sa.Column('imported_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('imported_by_id', sa.Integer(), nullable=True),
    sa.Column('lines_read', sa.Integer(), nullable=False),
    sa.Column('lines_new', sa.Integer(), nullable=False),
    sa.CheckConstraint("(state = 'IMPORTED') = (imported_at IS NOT NULL AND imported_by_id IS NOT NULL)", name=op.f('ck_bank_statement_imported_by_somebody')),
    sa.CheckConstraint("(state = 'PREVIEW') = (content IS NOT NULL)", name=op.f('ck_bank_statement_content_for_preview')),
    sa.CheckConstraint("state IN ('PREVIEW', 'IMPORTED')", name=op.f('ck_bank_statement_state_known')),
    sa.ForeignKeyConstraint(['imported_by_id'], ['user_account.id'], name=op.f('fk_bank_statement_imported_by_id_user_account')),
    sa.ForeignKeyConstraint(['uploaded_by_id'], ['user_account.id'], name=op.f('fk_bank_statement_uploaded_by_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_statement'))
    )
    op.create_table('payout_batch',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=6), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sent_by_id', sa.Integer(), nullable=True),
    sa.Column('reference', sa.String(length=200), nullable=True),
    sa.CheckConstraint("(state = 'SENT') = (sent_at IS NOT NULL AND sent_by_id IS NOT NULL)", name=op.f('ck_payout_batch_sent_by_somebody')),
    sa.CheckConstraint("state IN ('MADE', 'SENT', 'UNDONE')", name=op.f('ck_payout_batch_state_known')),
    sa.ForeignKeyConstraint(['made_by_id'], ['user_account.id'], name=op.f('fk_payout_batch_made_by_id_user_account')),
    sa.ForeignKeyConstraint(['sent_by_id'], ['user_account.id'], name=op.f('fk_payout_batch_sent_by_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payout_batch'))
    )
    with op.batch_alter_table('payout_batch', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_payout_batch_state'), ['state'], unique=False)

    op.create_table('push_subscription',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('endpoint', sa.String(length=1000), nullable=False),
    sa.Column('endpoint_digest', sa.String(length=64), nullable=False),
    sa.Column('p256dh', sa.String(length=120), nullable=False),
    sa.Column('auth', sa.String(length=40), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_push_subscription_user_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_push_subscription')),
    sa.UniqueConstraint('endpoint_digest', name=op.f('uq_push_subscription_endpoint_digest'))
    )
    with op.batch_alter_table('push_subscription', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_push_subscription_user_id'), ['user_id'], unique=False)

    op.create_table('gateway_attempt',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('payment_id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(length=6), nullable=False),
    sa.Column('redirect_url', sa.String(length=500), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('status', sa.String(length=30), nullable=False),
    sa.Column('status_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('OPEN', 'PAID', 'CLOSED')", name=op.f('ck_gateway_attempt_state_known')),
    sa.CheckConstraint('amount > 0', name=op.f('ck_gateway_attempt_amount_positive')),
    sa.ForeignKeyConstraint(['payment_id'], ['payment.id'], name=op.f('fk_gateway_attempt_payment_id_payment')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_gateway_attempt')),
    sa.UniqueConstraint('code', name=op.f('uq_gateway_attempt_code'))
    )
    with op.batch_alter_table('gateway_attempt', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_gateway_attempt_payment_id'), ['payment_id'], unique=False)

    op.create_table('ledger_account',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('producer_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(kind = 'producer') = (producer_id IS NOT NULL)", name=op.f('ck_ledger_account_producer_of_its_account')),
    sa.CheckConstraint("kind IN ('bank', 'gateway', 'cash', 'producer', 'shipping', 'credit', 'refunds', 'payouts', 'rounding')", name=op.f('ck_ledger_account_kind_known')),
    sa.ForeignKeyConstraint(['producer_id'], ['producer.id'], name=op.f('fk_ledger_account_producer_id_producer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_account')),
    sa.UniqueConstraint('producer_id', name=op.f('uq_ledger_account_producer_id'))
    )
    with op.batch_alter_table('ledger_account', schema=None) as batch_op:
        batch_op.create_index('uq_ledger_account_kind', ['kind'], unique=True, sqlite_where=sa.text('producer_id IS NULL'), postgresql_where=sa.text('producer_id IS NULL'))

    op.create_table('payout',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('batch_id', sa.Integer(), nullable=False),
    sa.Column('producer_id', sa.Integer(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('bank', sa.String(length=60), nullable=False),
    sa.Column('number', sa.String(length=34), nullable=False),
    sa.Column('holder', sa.String(length=100), nullable=False),
    sa.CheckConstraint('amount > 0', name=op.f('ck_payout_amount_positive')),
    sa.ForeignKeyConstraint(['batch_id'], ['payout_batch.id'], name=op.f('fk_payout_batch_id_payout_batch')),
    sa.ForeignKeyConstraint(['producer_id'], ['producer.id'], name=op.f('fk_payout_producer_id_producer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payout')),
    sa.UniqueConstraint('batch_id', 'producer_id', name=op.f('uq_payout_batch_id_producer_id'))
    )
    with op.batch_alter_table('payout', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_payout_producer_id'), ['producer_id'], unique=False)

    op.create_table('payout_account',
    sa.Column('producer_id', sa.Integer(), nullable=False),
    sa.Column('bank', sa.String(length=60), nullable=False),
    sa.Column('number', sa.String(length=34), nullable=False),
    sa.Column('holder', sa.String(length=100), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['user_account.id'], name=op.f('fk_payout_account_changed_by_id_user_account')),
    sa.ForeignKeyConstraint(['producer_id'], ['producer.id'], name=op.f('fk_payout_account_producer_id_producer')),
    sa.PrimaryKeyConstraint('producer_id', name=op.f('pk_payout_account'))
    )
    op.create_table('statement_line',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('statement_id', sa.Integer(), nullable=False),
    sa.Column('booked_on', sa.Date(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('description', sa.String(length=300), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=9), nullable=False),
    sa.Column('payment_id', sa.Integer(), nullable=True),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('note', sa.String(length=200), nullable=True),
    sa.CheckConstraint("state <> 'MATCHED' OR payment_id IS NOT NULL", name=op.f('ck_statement_line_matched_to_payment')),
    sa.CheckConstraint("state IN ('OPEN', 'MATCHED', 'SET_ASIDE')", name=op.f('ck_statement_line_state_known')),
    sa.CheckConstraint('amount <> 0', name=op.f('ck_statement_line_amount_not_zero')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user_account.id'], name=op.f('fk_statement_line_decided_by_id_user_account')),
    sa.ForeignKeyConstraint(['payment_id'], ['payment.id'], name=op.f('fk_statement_line_payment_id_payment')),
    sa.ForeignKeyConstraint(['statement_id'], ['bank_statement.id'], name=op.f('fk_statement_line_statement_id_bank_statement')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_statement_line')),
    sa.UniqueConstraint('fingerprint', name=op.f('uq_statement_line_fingerprint'))
    )
    with op.batch_alter_table('statement_line', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_statement_line_payment_id'), ['payment_id'], unique=False)
        batch_op.create_index('ix_statement_line_state_booked_on', ['state', 'booked_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_statement_line_statement_id'), ['statement_id'], unique=False)

    op.create_table('gateway_notification',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('attempt_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('said', sa.String(length=30), nullable=False),
    sa.Column('status', sa.String(length=30), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['attempt_id'], ['gateway_attempt.id'], name=op.f('fk_gateway_notification_attempt_id_gateway_attempt')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_gateway_notification'))
    )
    with op.batch_alter_table('gateway_notification', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_gateway_notification_attempt_id'), ['attempt_id'], unique=False)

    op.create_table('notice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('key', sa.String(length=100), nullable=False),
    sa.Column('channel', sa.String(length=5), nullable=False),
    sa.Column('recipient', sa.String(length=40), nullable=False),
    sa.Column('purchase_id', sa.Integer(), nullable=True),
    sa.Column('order_id', sa.Integer(), nullable=True),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('subscription_id', sa.Integer(), nullable=True),
    sa.Column('details', sa.JSON(), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('state', sa.String(length=7), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('claimed_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tries', sa.SmallInteger(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failure', sa.String(length=200), nullable=True),
    sa.CheckConstraint("(state = 'SENDING') = (claimed_until IS NOT NULL)", name=op.f('ck_notice_claimed_while_sending')),
    sa.CheckConstraint("(state = 'SENT') = (sent_at IS NOT NULL)", name=op.f('ck_notice_sent_has_moment')),
    sa.CheckConstraint("channel IN ('email', 'push')", name=op.f('ck_notice_channel_known')),
    sa.CheckConstraint("state IN ('PENDING', 'SENDING', 'SENT', 'FAILED', 'DROPPED')", name=op.f('ck_notice_state_known')),
    sa.ForeignKeyConstraint(['order_id'], ['customer_order.id'], name=op.f('fk_notice_order_id_customer_order')),
    sa.ForeignKeyConstraint(['purchase_id'], ['purchase.id'], name=op.f('fk_notice_purchase_id_purchase')),
    sa.ForeignKeyConstraint(['subscription_id'], ['push_subscription.id'], name=op.f('fk_notice_subscription_id_push_subscription'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_notice_user_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notice')),
    sa.UniqueConstraint('key', 'channel', 'recipient', name=op.f('uq_notice_key_channel_recipient'))
    )
    with op.batch_alter_table('notice', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_notice_order_id'), ['order_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_notice_purchase_id'), ['purchase_id'], unique=False)
        batch_op.create_index('ix_notice_state_due_at', ['state', 'due_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_notice_user_id'), ['user_id'], unique=False)

    op.create_table('ledger_transaction',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('cause', sa.String(length=11), nullable=False),
    sa.Column('actor', sa.String(length=8), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('purchase_id', sa.Integer(), nullable=True),
    sa.Column('payment_id', sa.Integer(), nullable=True),
    sa.Column('refund_id', sa.Integer(), nullable=True),
    sa.Column('payout_id', sa.Integer(), nullable=True),
    sa.Column('line_id', sa.Integer(), nullable=True),
    sa.Column('reverses_id', sa.Integer(), nullable=True),
    sa.Column('note', sa.String(length=200), nullable=True),
    sa.CheckConstraint("(cause = 'reversal') = (reverses_id IS NOT NULL)", name=op.f('ck_ledger_transaction_reversal_of_something')),
    sa.CheckConstraint("actor IN ('buyer', 'producer', 'operator', 'clock')", name=op.f('ck_ledger_transaction_actor_known')),
    sa.CheckConstraint("cause IN ('received', 'used', 'cash', 'owed_back', 'sent_back', 'payout', 'payout_sent', 'settled', 'reversal')", name=op.f('ck_ledger_transaction_cause_known')),
    sa.ForeignKeyConstraint(['actor_id'], ['user_account.id'], name=op.f('fk_ledger_transaction_actor_id_user_account')),
    sa.ForeignKeyConstraint(['line_id'], ['statement_line.id'], name=op.f('fk_ledger_transaction_line_id_statement_line')),
    sa.ForeignKeyConstraint(['payment_id'], ['payment.id'], name=op.f('fk_ledger_transaction_payment_id_payment')),
    sa.ForeignKeyConstraint(['payout_id'], ['payout.id'], name=op.f('fk_ledger_transaction_payout_id_payout')),
    sa.ForeignKeyConstraint(['purchase_id'], ['purchase.id'], name=op.f('fk_ledger_transaction_purchase_id_purchase')),
    sa.ForeignKeyConstraint(['refund_id'], ['refund.id'], name=op.f('fk_ledger_transaction_refund_id_refund')),
    sa.ForeignKeyConstraint(['reverses_id'], ['ledger_transaction.id'], name=op.f('fk_ledger_transaction_reverses_id_ledger_transaction')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_transaction')),
    sa.UniqueConstraint('reverses_id', name=op.f('uq_ledger_transaction_reverses_id'))
    )
    with op.batch_alter_table('ledger_transaction', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_ledger_transaction_at'), ['at'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_transaction_line_id'), ['line_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_transaction_payment_id'), ['payment_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_transaction_payout_id'), ['payout_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_transaction_purchase_id'), ['purchase_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_transaction_refund_id'), ['refund_id'], unique=False)

    op.create_table('ledger_entry',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('transaction_id', sa.Integer(), nullable=False),
    sa.Column('debit_id', sa.Integer(), nullable=False),
    sa.Column('credit_id', sa.Integer(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('order_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('amount > 0', name=op.f('ck_ledger_entry_amount_positive')),
    sa.CheckConstraint('debit_id <> credit_id', name=op.f('ck_ledger_entry_between_two_accounts')),
    sa.ForeignKeyConstraint(['credit_id'], ['ledger_account.id'], name=op.f('fk_ledger_entry_credit_id_ledger_account')),
    sa.ForeignKeyConstraint(['debit_id'], ['ledger_account.id'], name=op.f('fk_ledger_entry_debit_id_ledger_account')),
    sa.ForeignKeyConstraint(['order_id'], ['customer_order.id'], name=op.f('fk_ledger_entry_order_id_customer_order')),
    sa.ForeignKeyConstraint(['transaction_id'], ['ledger_transaction.id'], name=op.f('fk_ledger_entry_transaction_id_ledger_transaction')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_entry'))
    )
    with op.batch_alter_table('ledger_entry', schema=None) as batch_op:
        batch_op.create_index('ix_ledger_entry_credit_id_id', ['credit_id', 'id'], unique=False)
        batch_op.create_index('ix_ledger_entry_debit_id_id', ['debit_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_entry_order_id'), ['order_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_entry_transaction_id'), ['transaction_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('ledger_entry', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_ledger_entry_transaction_id'))
        batch_op.drop_index(batch_op.f('ix_ledger_entry_order_id'))
        batch_op.drop_index('ix_ledger_entry_debit_id_id')
        batch_op.drop_index('ix_ledger_entry_credit_id_id')

    op.drop_table('ledger_entry')
    with op.batch_alter_table('ledger_transaction', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_ledger_transaction_refund_id'))
        batch_op.drop_index(batch_op.f('ix_ledger_transaction_purchase_id'))
        batch_op.drop_index(batch_op.f('ix_ledger_transaction_payout_id'))
        batch_op.drop_index(batch_op.f('ix_ledger_transaction_payment_id'))
        batch_op.drop_index(batch_op.f('ix_ledger_transaction_line_id'))
        batch_op.drop_index(batch_op.f('ix_ledger_transaction_at'))

    op.drop_table('ledger_transaction')
    with op.batch_alter_table('notice', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_notice_user_id'))
        batch_op.drop_index('ix_notice_state_due_at')
        batch_op.drop_index(batch_op.f('ix_notice_purchase_id'))
        batch_op.drop_index(batch_op.f('ix_notice_order_id'))

    op.drop_table('notice')
    with op.batch_alter_table('gateway_notification', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_gateway_notification_attempt_id'))

    op.drop_table('gateway_notification')
    with op.batch_alter_table('statement_line', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_statement_line_statement_id'))
        batch_op.drop_index('ix_statement_line_state_booked_on')
        batch_op.drop_index(batch_op.f('ix_statement_line_payment_id'))

    op.drop_table('statement_line')
    op.drop_table('payout_account')
    with op.batch_alter_table('payout', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_payout_producer_id'))

    op.drop_table('payout')
    with op.batch_alter_table('ledger_account', schema=None) as batch_op:
        batch_op.drop_index('uq_ledger_account_kind', sqlite_where=sa.text('producer_id IS NULL'), postgresql_where=sa.text('producer_id IS NULL'))

    op.drop_table('ledger_account')
    with op.batch_alter_table('gateway_attempt', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_gateway_attempt_payment_id'))

    op.drop_table('gateway_attempt')
    with op.batch_alter_table('push_subscription', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_push_subscription_user_id'))

    op.drop_table('push_subscription')
    with op.batch_alter_table('payout_batch', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_payout_batch_state'))

    op.drop_table('payout_batch')
    op.drop_table('bank_statement')
    op.drop_table('bank_mapping')
